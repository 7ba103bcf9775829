"""WGA, weighted gradient ascent: forgotten tokens pull less (Wang et al., arXiv 2502.19301).

    L = forget_weight * (1/N) sum_t p_t^beta log p_t + retain_weight * CE(retain)

p_t = pi_theta(y_t | x, y_<t); the weight p_t^beta has no gradient. The loss is bounded below,
unlike gradient ascent's. Both terms are token means. The paper studies the forget term; the retain
term and weights of 1 follow open-unlearning.
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
class WGAConfig(ForgetRetainConfig):
    """WGA's exponent and the weights of the two terms."""

    beta: NonNegative = 1.0
    """Exponent of the token's probability; 0: gradient ascent (paper: 1)."""


class WGA(ForgetRetainMethod[WGAConfig]):
    """Gradient ascent weighted by the token's probability, cross-entropy on retain."""

    name = "wga"
    Config = WGAConfig

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """p_t^beta log p_t, mean over tokens."""
        per_token = losses.wga(scored["forget"].token_logps, beta=self.config.beta)  # (N,)
        return batch["forget"].token_mean(per_token)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [WGA]
