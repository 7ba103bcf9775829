"""SatImp: gradient ascent weighted by saturation and importance of each token (Yang et al., arXiv 2505.11953).

    L = forget_weight * (1/N) sum_t p_t^beta1 (1 - p_t)^beta2 log p_t + retain_weight * CE(retain)

p_t = pi_theta(y_t | x, y_<t); the weight has no gradient. Tokens that are forgotten already (p near 0) or that any
model knows (p near 1) pull little. Both terms are token means. Exponents and weights follow the authors' settings for
TOFU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl, losses
from suite.ranges import NonNegative


@dataclass(frozen=True)
class SatImpConfig:
    """SatImp's exponents and the weights of the two terms."""

    beta1: NonNegative = 5.0
    """Exponent of p (saturation)."""
    beta2: NonNegative = 1.0
    """Exponent of 1 - p (importance)."""
    forget_weight: NonNegative = 0.1
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""


class SatImp(Method[SatImpConfig]):
    """Gradient ascent weighted by saturation and importance, cross-entropy on retain."""

    name = "satimp"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    Config = SatImpConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Both terms are token means."""
        forget, retain = batch["forget"], batch["retain"]
        on_forget, on_retain = policy.joint(forget, retain)
        per_token = losses.satimp(
            on_forget.token_logps, beta1=self.config.beta1, beta2=self.config.beta2
        )  # (N,)
        ascent = forget.token_mean(per_token)
        nll = retain.token_mean(-on_retain.token_logps)
        return LossOutput(
            self.config.forget_weight * ascent + self.config.retain_weight * nll,
            {"forget_loss": ascent.detach(), "retain_loss": nll.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [SatImp]
