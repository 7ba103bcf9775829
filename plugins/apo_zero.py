"""APO-zero, anchored preferences: chosen up, rejected down.

    L = E[sigma(-beta rho_w) + sigma(beta rho_l)]

D'Oosterlinck et al., arXiv 2408.06266, eq. 7. rho = log pi_theta(y|x) - log pi_ref(y|x), summed
over tokens. Both rewards are anchored at 0. Meant for chosen answers that are better than what the
model writes itself. At the start the loss is 1. beta and training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class APOZeroConfig:
    """APO's one setting."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (DPO's)."""


class APOZero(PairedMethod[APOZeroConfig]):
    """Anchored preferences for chosen answers better than the model's."""

    name = "apo_zero"
    Config = APOZeroConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """One sigmoid for each answer."""
        return losses.apo_zero(*pairs.sums, beta=self.config.beta)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [APOZero]
