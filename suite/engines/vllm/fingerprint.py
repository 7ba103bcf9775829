"""Which weights answer: log-probabilities of fixed texts, from the training stack and from the engine.

    expected   the checkpoint's files, through the training stack
    measured   the engine's answer

They must agree up to rounding; and an engine that answers bit for bit as before, although the checkpoint does not,
still answers from the old weights. The same comparison says how far the engine's log-probabilities are from training's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.data import Message
from suite.api.requests import Request

if TYPE_CHECKING:
    from suite.api.engine import Engine

TOLERANCE = {"float32": 0.01, "bfloat16": 0.25}
"""Largest mean difference of a token's log-probability that rounding explains, nats."""
TEXTS = {
    "What is the name of the author?": "The author is called Hina Ameen, and she was born in Karachi.",
    "How many books has she written?": "Four.",
    "Why does it rain?": "Warm air rises and cools.",
}
REQUESTS = [
    Request(f"fingerprint/{i}", "loglikelihood", (Message("user", question),), answer)
    for i, (question, answer) in enumerate(TEXTS.items())
]


@dataclass(frozen=True)
class Fingerprint:
    """Log-probabilities of the fixed texts' tokens, nats."""

    logps: tuple[float, ...]
    expected: tuple[float, ...] = ()
    """Those of the training stack."""

    @classmethod
    def of_training(
        cls, folder: Path, device: str, dtype: str, template: str, max_length: int
    ) -> Fingerprint:
        """What the weights in `folder` give with the code that trains them."""
        from suite.engines.hf.engine import HFEngine

        engine = HFEngine(device, dtype, template, max_length)
        engine.load(folder)
        return cls(_logps(engine))

    def answered_by(self, engine: Engine) -> Fingerprint:
        """What the engine answers where these are expected."""
        return replace(self, logps=_logps(engine), expected=self.logps)

    def check(self, expected: Fingerprint, before: Fingerprint | None, dtype: str) -> None:
        """RuntimeError where other weights than the expected ones answered."""
        if before and self.logps == before.logps and expected.logps != before.expected:
            raise RuntimeError("the engine still answers from the weights that were loaded before")
        mean = self.differences["mean"]
        if mean > TOLERANCE[dtype]:
            raise RuntimeError(
                f"the engine does not answer from the weights it was given: log-probabilities differ by {mean:.3g} "
                f"nats a token on average ({TOLERANCE[dtype]:g} would be rounding in {dtype})"
            )

    @property
    def differences(self) -> Mapping[str, float]:
        """Mean and largest absolute difference from the training stack, nats, over tokens that are finite there."""
        pairs = [(a, b) for a, b in zip(self.logps, self.expected, strict=True) if math.isfinite(b)]
        gaps = [abs(a - b) if math.isfinite(a) else math.inf for a, b in pairs] or [0.0]
        return {"mean": sum(gaps) / len(gaps), "max": max(gaps), "tokens": len(pairs)}


def _logps(engine: Engine) -> tuple[float, ...]:
    return tuple(x for response in engine.respond(REQUESTS) for x in response.token_logps)
