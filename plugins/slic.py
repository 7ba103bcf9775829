"""SLiC-HF: a margin between the log-probabilities, and likelihood of the chosen answer.

    L = E[max(0, delta - log pi_theta(y_w|x) + log pi_theta(y_l|x)) + nll_weight CE(y_w)]

Zhao et al., arXiv 2305.10425. Log-probabilities are summed over tokens; CE is the mean over the
tokens of each row. No reference model. The paper regularises towards the SFT target, which pairs do
not have; the chosen answer takes its place. TRL's `hinge` is another loss, see `rso_hinge`. The
learning rate is the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import NonNegative, Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SLiCConfig:
    """Margin and weight of the two terms."""

    delta: Positive = 1.0
    """Margin, nats (paper: 1)."""
    nll_weight: NonNegative = 0.1
    """The paper's lambda: weight of the likelihood term."""


class SLiC(PairedMethod[SLiCConfig]):
    """Hinge on sequence likelihoods, with likelihood of the chosen answer."""

    name = "slic"
    needs_reference = False
    train_defaults: ClassVar = {"lr": 1e-5}
    Config = SLiCConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Hinge and likelihood."""
        return losses.slic(
            pairs.chosen_logps,
            pairs.rejected_logps,
            pairs.chosen_mean_logps,
            delta=self.config.delta,
            nll_weight=self.config.nll_weight,
        )

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """The method defines no reward; its log-probabilities stand in for one."""
        return pairs.chosen_logps, pairs.rejected_logps


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [SLiC]
