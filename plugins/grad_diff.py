"""GradDiff: gradient ascent on forget, descent on retain (TOFU, arXiv 2401.06121).

L = -forget_weight * CE(forget) + retain_weight * CE(retain)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl
from suite.ranges import NonNegative


@dataclass(frozen=True)
class GradDiffConfig:
    """Weights of the two terms."""

    forget_weight: NonNegative = 1.0
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""


class GradDiff(Method[GradDiffConfig]):
    """Gradient difference: ascent on forget, descent on retain."""

    name = "grad_diff"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    Config = GradDiffConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Both terms are token means."""
        forget, retain = batch["forget"], batch["retain"]
        on_forget, on_retain = policy.joint(forget, retain)
        ascent = forget.token_mean(on_forget.token_logps)
        descent = retain.token_mean(-on_retain.token_logps)
        return LossOutput(
            self.config.forget_weight * ascent + self.config.retain_weight * descent,
            {"forget_loss": ascent.detach(), "retain_loss": descent.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [GradDiff]
