"""DPOP, DPO-Positive: DPO with a penalty when the chosen answer becomes less likely.

    L = E[-log sigma(beta [rho_w - rho_l - penalty max(0, -rho_w)])]

Pal et al., arXiv 2402.13228. rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. The
penalty is inside beta(...), so each nat that the chosen answer loses costs 0.3 x 50 = 15 in the
sigmoid; the paper's first version had the bracket wrong. With rho_w >= 0 it is DPO. At the start
the loss is ln 2. beta and penalty are the paper's, the training settings DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import NonNegative, Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DPOPConfig:
    """DPO's setting and the penalty."""

    beta: Positive = 0.3
    """Inverse temperature, 1 / nats (paper: 0.3)."""
    penalty: NonNegative = 50.0
    """The paper's lambda: weight of the nats that the chosen answer loses (paper: 50); 0: DPO."""


class DPOP(PairedMethod[DPOPConfig]):
    """DPO with a penalty where the chosen answer loses probability."""

    name = "dpop"
    Config = DPOPConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """DPO's loss with the penalised margin."""
        return losses.dpop(*pairs.sums, beta=self.config.beta, penalty=self.config.penalty)

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """beta times the log-ratios, the chosen one minus its penalty.

        Their difference is the argument of the loss's sigmoid.
        """
        chosen, rejected = pairs.logratios
        penalised = chosen - self.config.penalty * (-chosen).clamp(min=0)
        return self.config.beta * penalised, self.config.beta * rejected


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [DPOP]
