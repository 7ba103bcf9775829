"""SPPO with hard labels, one round (Wu et al., arXiv 2405.00675, eq. 4.7 with P = 1 and 0).

    L = E[(rho_w - 1 / (2 beta))^2 + (rho_l + 1 / (2 beta))^2]

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. At the start the loss is 1 / (2
beta^2). The paper plays several rounds against its own answers with soft preferences P; here the
pairs are given and there is one round. The paper's step size eta = 1 / beta is 1000; learning rate
and batch size are the paper's too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SPPOHardConfig:
    """SPPO's one setting."""

    beta: Positive = 0.001
    """1 / eta, 1 / nats; the targets of the log-ratios are +-1 / (2 beta) (paper: eta = 1000)."""


class SPPOHard(PairedMethod[SPPOHardConfig]):
    """Self-play preference optimisation on given pairs."""

    name = "sppo_hard"
    train_defaults: ClassVar = {"lr": 5e-7, "batch_size": 64}
    Config = SPPOHardConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Squared distances of the log-ratios from their targets."""
        return losses.sppo_hard(*pairs.sums, beta=self.config.beta)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [SPPOHard]
