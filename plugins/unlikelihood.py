"""Unlikelihood: chosen answers up, rejected ones down (a baseline of DPO, arXiv 2305.18290).

    L = E[-log pi_theta(y_w|x) + alpha max(log pi_theta(y_l|x), floor |y_l|)]

Log-probabilities are summed over tokens. The floor is ours: without it the loss has no lower bound,
and making rejected answers ever less likely would always lower it. The paper tries alpha = 0.05,
0.1, 0.5 and 1 and names no best one. The training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Negative, NonNegative

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class UnlikelihoodConfig:
    """Strength of the unlikelihood term."""

    alpha: NonNegative = 0.1
    """Weight of the unlikelihood term (the paper tries 0.05, 0.1, 0.5, 1)."""
    floor: Negative = -20.0
    """A rejected answer less likely than this is left alone, nats per token (ours; a uniform guess
    has about -11)."""


class Unlikelihood(PairedMethod[UnlikelihoodConfig]):
    """Likelihood of the chosen answer, unlikelihood of the rejected one."""

    name = "unlikelihood"
    needs_reference = False
    Config = UnlikelihoodConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """-log pi(chosen) + alpha log pi(rejected), the latter not below the floor."""
        lengths = 1 if pairs.rejected_lengths is None else pairs.rejected_lengths
        rejected = pairs.rejected_logps.clamp(min=self.config.floor * lengths)
        return losses.unlikelihood(pairs.chosen_logps, rejected, alpha=self.config.alpha)

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """The method defines no reward; its log-probabilities stand in for one."""
        return pairs.chosen_logps, pairs.rejected_logps


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [Unlikelihood]
