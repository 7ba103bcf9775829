"""DiscoPOP: a loss that a language model proposed (Lu et al., arXiv 2406.08414, eq. 5).

    L = E[(1 - g) (-log sigma(z)) + g e^-z],    g = sigma(z / tau),  z = beta (rho_w - rho_l)

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. At the start the loss is (ln 2 + 1) /
2. It is not convex: its slope in z is then (1 - ln 2) / (4 tau) - 3/4, which is positive for tau
below 0.102, so with the paper's tau the margin of a pair shrinks first. beta and tau are the
paper's, the training settings DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DiscoPOPConfig:
    """Temperatures of the margin and of the blend."""

    beta: Positive = 0.05
    """Inverse temperature, 1 / nats (paper: 0.05)."""
    tau: Positive = 0.05
    """Temperature of the blend (paper: 0.05)."""


class DiscoPOP(PairedMethod[DiscoPOPConfig]):
    """Log-ratio modulated loss: logistic and exponential, blended."""

    name = "discopop"
    Config = DiscoPOPConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Logistic where the margin is negative, exponential where it is positive."""
        return losses.discopop(*pairs.sums, beta=self.config.beta, tau=self.config.tau)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [DiscoPOP]
