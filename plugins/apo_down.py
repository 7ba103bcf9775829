"""APO-down, anchored preferences: both answers down, the rejected one further.

    L = E[sigma(beta rho_w) + sigma(-beta (rho_w - rho_l))]

D'Oosterlinck et al., arXiv 2408.06266, eq. 8. rho = log pi_theta(y|x) - log pi_ref(y|x), summed
over tokens. Meant for a model that is better than the chosen answers. At the start the loss is 1.
beta and training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class APODownConfig:
    """APO's one setting."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (DPO's)."""


class APODown(PairedMethod[APODownConfig]):
    """Anchored preferences for a model better than the chosen answers."""

    name = "apo_down"
    Config = APODownConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """One sigmoid for the chosen answer, one for the difference."""
        return losses.apo_down(*pairs.sums, beta=self.config.beta)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [APODown]
