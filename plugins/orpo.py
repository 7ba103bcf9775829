"""ORPO: likelihood of the chosen answer and an odds ratio, in one stage.

    L = E[CE(y_w) - odds_ratio_weight log sigma(log odds(y_w) - log odds(y_l))]

Hong et al., arXiv 2403.07691. odds = p / (1 - p), p = exp of the mean log-probability per token; CE
is the mean over the tokens of each row. No reference model: the method replaces SFT and starts from
a base model. The weight and the learning rate are the paper's. TRL calls the weight `beta`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import NonNegative

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ORPOConfig:
    """Weight of the odds ratio."""

    odds_ratio_weight: NonNegative = 0.1
    """The paper's lambda (paper: 0.1)."""


class ORPO(PairedMethod[ORPOConfig]):
    """Odds ratio preference optimisation."""

    name = "orpo"
    needs_reference = False
    train_defaults: ClassVar = {"lr": 8e-6}
    Config = ORPOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Likelihood and odds ratio."""
        return losses.orpo(
            pairs.chosen_mean_logps,
            pairs.rejected_mean_logps,
            odds_ratio_weight=self.config.odds_ratio_weight,
        )

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """The log-odds that the loss compares."""
        from suite.losses import log_odds

        return log_odds(pairs.chosen_mean_logps), log_odds(pairs.rejected_mean_logps)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [ORPO]
