"""How alike two pretrained `tiny` are: by what they say of the corpus, not by their weights.

Training amplifies rounding: initial weights that differ by one part in a million end .7 of the way
apart that training moved them, and know the same. Measured on this corpus, nats a token:

    pretrained again, initial weights off by 1e-6     .057 apart
    the packaged weights after fine-tuning            .73
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from suite.api.data import Message
from suite.model.encoding import Encoder
from suite.tiny.model import initial_model
from suite.tiny.tokenizer import build
from suite.tiny.world import pretraining_rows

TOLERANCE = 0.15
"""Mean difference of the log-probability of a token, nats."""
EVERY = 7
"""One row of the corpus in so many is read."""


def apart(first: Path, second: Path) -> float:
    """Mean absolute difference of what two files of weights say of the answers' tokens, nats."""
    return float((_logps(first) - _logps(second)).abs().mean())


@torch.no_grad()
def _logps(weights: Path) -> Tensor:
    """Log-probabilities of the answers' tokens, one after the other."""
    tokenizer = build()
    encoder = Encoder(tokenizer)
    model = initial_model(tokenizer)
    model.load_state_dict(load_file(weights), strict=False)
    found = []
    for row in pretraining_rows()[::EVERY]:
        text = encoder.encode((Message("user", row["question"]),), row["answer"])
        ids = torch.tensor([[*text.prompt_ids, *text.completion_ids]])  # (1, T)
        start = len(text.prompt_ids)
        logps = model(input_ids=ids).logits[0, start - 1 : -1].log_softmax(-1)  # (answer, V)
        found.append(logps.gather(1, ids[0, start:, None])[:, 0])
    return torch.cat(found)
