"""SatImp: gradient ascent weighted by each token's saturation and importance.

    L = forget_weight * (1/N) sum_t p_t^beta1 (1 - p_t)^beta2 log p_t + retain_weight * CE(retain)

Yang et al., arXiv 2505.11953. p_t = pi_theta(y_t | x, y_<t); the weight has no gradient. Tokens
that are forgotten already (p near 0) or that any model knows (p near 1) pull little. Both terms are
token means. Exponents and weights follow the authors' settings for TOFU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Batch, Method, hookimpl, losses
from suite.ranges import NonNegative

from .forget_retain import ForgetRetainConfig, ForgetRetainMethod, ScoredRoles

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SatImpConfig(ForgetRetainConfig):
    """SatImp's exponents and the weights of the two terms."""

    beta1: NonNegative = 5.0
    """Exponent of p (saturation)."""
    beta2: NonNegative = 1.0
    """Exponent of 1 - p (importance)."""
    forget_weight: NonNegative = 0.1
    """Weight of the forget term."""


class SatImp(ForgetRetainMethod[SatImpConfig]):
    """Gradient ascent weighted by saturation and importance, cross-entropy on retain."""

    name = "satimp"
    Config = SatImpConfig

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """p_t^beta1 (1 - p_t)^beta2 log p_t, mean over tokens."""
        beta1, beta2 = self.config.beta1, self.config.beta2
        per_token = losses.satimp(scored["forget"].token_logps, beta1=beta1, beta2=beta2)  # (N,)
        return batch["forget"].token_mean(per_token)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [SatImp]
