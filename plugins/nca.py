"""NCA, noise contrastive alignment, on pairs (Chen et al., arXiv 2402.05369).

    L = E[-log sigma(r_w) - 1/2 log sigma(-r_w) - 1/2 log sigma(-r_l)],    r = beta rho

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. Each reward counts by itself, not
their difference, so the chosen answer does not lose probability together with the rejected one. At
the start the loss is 2 ln 2. This is the case of two answers with hard labels; the paper's general
form takes K answers with rewards. beta and training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NCAConfig:
    """NCA's one setting."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (DPO's)."""


class NCA(PairedMethod[NCAConfig]):
    """Noise contrastive alignment of absolute rewards."""

    name = "nca"
    Config = NCAConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Three log-sigmoids of the two rewards."""
        return losses.nca(*pairs.sums, beta=self.config.beta)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [NCA]
