"""RSO's hinge loss, SLiC's normalised by the reference.

    L = E[max(0, 1 - beta h)],    h = rho_w - rho_l

Liu et al., arXiv 2309.06657, "hinge-norm". rho = log pi_theta(y|x) - log pi_ref(y|x), summed over
tokens. At the start the loss is 1. TRL calls it `hinge`. RSO's other half, rejection sampling of
the pairs from the optimal policy, concerns the data and is not done here. beta is TRL's default,
the training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class RSOHingeConfig:
    """The hinge's one setting."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (the paper's gamma)."""


class RSOHinge(PairedMethod[RSOHingeConfig]):
    """Hinge on the difference of log-ratios."""

    name = "rso_hinge"
    Config = RSOHingeConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """max(0, 1 - beta h)."""
        return losses.rso_hinge(*pairs.sums, beta=self.config.beta)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [RSOHinge]
