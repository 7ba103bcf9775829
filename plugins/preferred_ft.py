"""Preferred-FT: fine-tuning on the chosen answers alone, a baseline of DPO.

    L = -(1/N) sum_t log pi_theta(y_w,t | x, y_w,<t)        N: tokens of the step's chosen answers

DPO's paper, arXiv 2305.18290, section 6. Rejected answers are read for the log only. On a bandit
the mean is over pairs. The training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl

if TYPE_CHECKING:
    from torch import Tensor

    from suite import Texts


@dataclass(frozen=True)
class PreferredFTConfig:
    """Nothing to set."""


class PreferredFT(PairedMethod[PreferredFTConfig]):
    """Cross-entropy on the chosen answers."""

    name = "preferred_ft"
    needs_reference = False
    Config = PreferredFTConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Minus the log-probability of the chosen answer."""
        return -pairs.chosen_logps

    def share(self, pairs: PairLogps, chosen: Texts) -> Tensor:
        """Token mean: the sum over answers divided by the step's tokens."""
        return self.checked_pair_loss(pairs).sum() / chosen.step_tokens

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """The method defines no reward; its log-probabilities stand in for one."""
        return pairs.chosen_logps, pairs.rejected_logps


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [PreferredFT]
