"""EXO: the reverse KL to the labels' distribution, on pairs (Ji et al., arXiv 2402.00856, eq. 16).

    L = E[KL(q || p)],    q = (sigma(beta h), sigma(-beta h)),  p = (1 - eps, eps)

h = rho_w - rho_l, rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. DPO takes the KL
in the other direction. The paper's beta_r and beta_pi are one beta here. eps is the paper's, the
training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive, Smoothing

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class EXOConfig:
    """Temperature and smoothing."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (DPO's)."""
    label_smoothing: Smoothing = 1e-3
    """eps; above 0, or the divergence is infinite (paper: 0.001)."""

    def __post_init__(self) -> None:
        if self.label_smoothing == 0:
            raise ValueError(
                "label_smoothing must be above 0: with hard labels EXO's divergence is infinite"
            )


class EXO(PairedMethod[EXOConfig]):
    """Reverse KL to the preference labels."""

    name = "exo"
    Config = EXOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """KL from the policy's preference to the smoothed label."""
        return losses.exo(
            *pairs.sums, beta=self.config.beta, label_smoothing=self.config.label_smoothing
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [EXO]
