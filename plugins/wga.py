"""WGA, weighted gradient ascent: tokens that are forgotten already pull less (Wang et al., arXiv 2502.19301).

    L = forget_weight * (1/N) sum_t p_t^beta log p_t + retain_weight * CE(retain)        p_t^beta without gradient

p_t = pi_theta(y_t | x, y_<t). Bounded below, unlike gradient ascent. Both terms are token means. The paper studies
the forget term; the retain term and weights of 1 follow open-unlearning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl, losses
from suite.ranges import NonNegative


@dataclass(frozen=True)
class WGAConfig:
    """WGA's exponent and the weights of the two terms."""

    beta: NonNegative = 1.0
    """Exponent of the token's probability; 0: gradient ascent (paper: 1)."""
    forget_weight: NonNegative = 1.0
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""


class WGA(Method[WGAConfig]):
    """Gradient ascent weighted by the token's probability, cross-entropy on retain."""

    name = "wga"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    Config = WGAConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Both terms are token means."""
        forget, retain = batch["forget"], batch["retain"]
        on_forget, on_retain = policy.joint(forget, retain)
        ascent = forget.token_mean(losses.wga(on_forget.token_logps, beta=self.config.beta))
        nll = retain.token_mean(-on_retain.token_logps)
        return LossOutput(
            self.config.forget_weight * ascent + self.config.retain_weight * nll,
            {"forget_loss": ascent.detach(), "retain_loss": nll.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [WGA]
