"""Gradient ascent that stops pulling at an answer once it is unlikely enough.

    L = E max(m, -cap),    m = mean log-probability of a forget answer's tokens

Where m > -cap the gradient is that of gradient ascent on the answer; below, it is exactly zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl


@dataclass(frozen=True)
class CappedGAConfig:
    """The one setting."""

    cap: float = 4.0
    """Surprise per token beyond which an answer counts as forgotten, nats."""


class CappedGA(Method[CappedGAConfig]):
    """Gradient ascent on the answers that are still likely."""

    name = "capped_ga"
    family = "unlearning"
    roles = frozenset({"forget"})
    Config = CappedGAConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Mean over sequences."""
        forget = batch["forget"]
        return LossOutput(forget.mean(policy(forget).mean_logps.clamp(min=-self.config.cap)))


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [CappedGA]
