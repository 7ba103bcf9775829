"""A reward model in use: a decoder with a scalar head on its last hidden state, read from a folder.

    <folder>/                   an ordinary model folder: the decoder
      reward/head.safetensors   the head: weight (1, d), bias (1,)
      reward/accuracy.json      share of held-out pairs that it orders rightly

The state that predicts an answer's end-of-sequence token has read the whole answer; the head turns
it into the reward.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.reward import Prompt, Reward

if TYPE_CHECKING:
    from torch import Tensor, nn

    from suite.api.batch import Texts
    from suite.model.encoding import Encoder
    from suite.store import Json

HEAD = "reward/head.safetensors"
ACCURACY = "reward/accuracy.json"
BATCH_TOKENS = 4096


def last_states(hidden: Tensor, texts: Texts) -> Tensor:
    """The state of each answer that has read all of it. Shape: (N, d) -> (B, d)."""
    return hidden[texts.lengths.cumsum(0) - 1]


def rewards(hidden: Tensor, texts: Texts, head: nn.Module) -> Tensor:
    """Reward of each answer, fp32. Shape: (N, d) -> (B,)."""
    values: Tensor = head(last_states(hidden, texts).float())
    return values[:, 0].float()


def held_out_accuracy(folder: Path) -> str:
    """A line about how good the reward model is."""
    from suite.store import read_json

    found = read_json(folder / ACCURACY)
    if found["accuracy"] is None:
        return "reward model: no prompts were held out, so its accuracy is unknown"
    share, pairs = found["accuracy"], found["held_out_pairs"]
    return f"reward model: {share:.3f} of {pairs} held-out pairs ordered rightly"


class ModelReward(Reward):
    """The reward model in `folder`, loaded at the first use."""

    def __init__(self, folder: Path, encoder: Encoder, device: str, dtype: str) -> None:
        self.folder, self.encoder, self.device, self.dtype = folder, encoder, device, dtype
        self._loaded: tuple[Any, nn.Module] | None = None

    def score(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[float]:
        """The head's value for each answer."""
        import torch

        from suite.model.batch import collate
        from suite.model.hardware import autocast
        from suite.model.logprobs import completion_hidden
        from suite.model.reference import by_length

        model, head = self._loaded = self._loaded or self._load()
        texts = [
            self.encoder.encode(prompt, continuation, str(i))
            for i, (prompt, continuation) in enumerate(zip(prompts, continuations, strict=True))
        ]
        values = [0.0] * len(texts)
        precision = autocast(self.dtype, self.device)
        with torch.no_grad():
            for group in by_length(texts, BATCH_TOKENS):
                batch = collate(group, self.encoder.tokenizer.pad_token_id, self.device)
                with precision():
                    hidden = completion_hidden(model, batch)
                for text, value in zip(group, rewards(hidden, batch, head).tolist(), strict=True):
                    values[int(text.id)] = value
        return values

    def _load(self) -> tuple[Any, nn.Module]:
        from safetensors.torch import load_file
        from torch import nn

        from suite.model.folder import load_model

        model = load_model(self.folder).to(self.device)
        tensors = load_file(self.folder / HEAD)
        head = nn.Linear(tensors["weight"].shape[1], 1).to(self.device)
        head.load_state_dict(tensors)
        return model, head

    def identity(self) -> dict[str, Json]:
        """Nothing: the key of the stage that trained it says all."""
        return {}
