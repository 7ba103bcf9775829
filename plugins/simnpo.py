"""SimNPO: NPO on mean log-probabilities, without a reference (Fan et al., arXiv 2410.07163, eq. 4).

    L = forget_weight * E[-(2/beta) log sigma(-beta mean_logp(y) - margin)]
        + retain_weight * CE(retain)

The first term is a mean over sequences, CE a mean over tokens. open-unlearning writes
beta (NLL/len - delta) inside the sigmoid: the same with margin = beta x delta. Weights, beta and
margin are the paper's for TOFU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Batch, Method, hookimpl, losses
from suite.ranges import NonNegative, Positive

from .forget_retain import ForgetRetainConfig, ForgetRetainMethod, ScoredRoles

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SimNPOConfig(ForgetRetainConfig):
    """SimNPO's settings and the weights of the two terms."""

    beta: Positive = 4.5
    """Inverse temperature, 1 / nats per token (paper: 4.5)."""
    margin: float = 0.0
    """The paper's gamma, subtracted inside the sigmoid (paper: 0)."""
    forget_weight: NonNegative = 0.125
    """Weight of the forget term (paper: 0.125)."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term (paper: 1)."""


class SimNPO(ForgetRetainMethod[SimNPOConfig]):
    """Length-normalised NPO without a reference, cross-entropy on retain."""

    name = "simnpo"
    Config = SimNPOConfig

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """-(2/beta) log sigma(-beta mean_logp - margin), mean over sequences."""
        beta, margin = self.config.beta, self.config.margin
        per_example = losses.simnpo(scored["forget"].mean_logps, beta=beta, margin=margin)  # (B,)
        return batch["forget"].mean(per_example)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [SimNPO]
