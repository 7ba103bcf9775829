"""Which weights answer: log-probabilities of fixed texts, from the training code and the engine.

    expected   the checkpoint's files, through the code that trains them
    measured   the engine's answer

They must agree up to rounding. And an engine whose answer is bit for bit the one before, although
the checkpoint is another, still answers from the old weights. The same comparison says how far the
engine's log-probabilities are from those of training.

Nothing here uses the engine `hf`: the answers of an engine are stored under a key of all code that
it reaches, and an edit of `hf` must not make stored answers of another engine invalid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.data import Message
from suite.api.requests import ScoreText, TextScore

if TYPE_CHECKING:
    from suite.api.engine import Engine
    from suite.model.encoding import Encoder

TOLERANCE = {"float32": 0.01, "bfloat16": 0.25}
"""Largest mean difference of a token's log-probability that rounding explains, nats, by dtype."""
TEXTS = {
    "What is the name of the author?": (
        "The author is called Hina Ameen, and she was born in Karachi."
    ),
    "How many books has she written?": "Four.",
    "Why does it rain?": "Warm air rises and cools.",
}
REQUESTS = [
    ScoreText(f"fingerprint/{i}", (Message("user", question),), answer)
    for i, (question, answer) in enumerate(TEXTS.items())
]


@dataclass(frozen=True)
class Fingerprint:
    """Log-probabilities of the fixed texts' tokens, nats."""

    logps: tuple[float, ...]
    expected: tuple[float, ...] = ()
    """What the training code gives for the same tokens."""

    @classmethod
    def of_training(cls, folder: Path, device: str, dtype: str, encoder: Encoder) -> Fingerprint:
        """Compute it from the weights in `folder` with the code that trains them."""
        import torch

        from suite.model.agreement import check_agreement
        from suite.model.batch import collate
        from suite.model.folder import load_model
        from suite.model.hardware import autocast
        from suite.model.logprobs import LMPolicy

        model = load_model(folder).to(device)
        texts = [encoder.encode(each.prompt, each.completion, each.id) for each in REQUESTS]
        check_agreement(model, texts, encoder.max_length)
        batch = collate(texts, encoder.tokenizer.pad_token_id, device)
        with torch.no_grad(), autocast(dtype, device)():
            token_logps = LMPolicy(model)(batch).token_logps  # (N,), text after text
        return cls(tuple(token_logps.tolist()))

    def answered_by(self, engine: Engine) -> Fingerprint:
        """Ask the engine; what is expected of it is this fingerprint."""
        logps: list[float] = []
        for response in engine.respond(REQUESTS):
            logps += TextScore.of(response).token_logps
        return replace(self, logps=tuple(logps), expected=self.logps)

    def check(self, expected: Fingerprint, before: Fingerprint | None, dtype: str) -> None:
        """Raise RuntimeError if other weights than the expected ones answered."""
        if before and self.logps == before.logps and expected.logps != before.expected:
            raise RuntimeError("the engine still answers from the weights that were loaded before")
        mean = self.differences["mean"]
        if mean > TOLERANCE[dtype]:
            raise RuntimeError(
                "the engine does not answer from the weights it was given: log-probabilities "
                f"differ by {mean:.3g} nats a token on average "
                f"({TOLERANCE[dtype]:g} would be rounding in {dtype})"
            )

    @property
    def differences(self) -> Mapping[str, float]:
        """Mean and largest absolute difference from the training code, nats.

        Only tokens count whose expected value is finite: a model that has diverged gives NaN, which
        is no fault of the engine.
        """
        gaps: list[float] = []
        for measured, expected in zip(self.logps, self.expected, strict=True):
            if math.isfinite(expected):
                gaps.append(abs(measured - expected) if math.isfinite(measured) else math.inf)
        if not gaps:
            return {"mean": 0.0, "max": 0.0, "tokens": 0}
        return {"mean": sum(gaps) / len(gaps), "max": max(gaps), "tokens": len(gaps)}
