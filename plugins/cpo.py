"""CPO, contrastive preference optimisation: DPO against a uniform reference.

    L = E[-log sigma(beta (log pi_theta(y_w|x) - log pi_theta(y_l|x))) + alpha CE(y_w)]

Xu et al., arXiv 2401.08417. Log-probabilities are summed over tokens; CE is the mean over the
tokens of each row, while the authors' code takes it over all tokens of a batch, prompts included.
beta and alpha are the paper's, the training settings DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import NonNegative, Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class CPOConfig:
    """Temperature and weight of the likelihood."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats (paper: 0.1)."""
    alpha: NonNegative = 1.0
    """Weight of the likelihood term (paper: 1)."""


class CPO(PairedMethod[CPOConfig]):
    """DPO without a reference, with likelihood of the chosen answer."""

    name = "cpo"
    needs_reference = False
    Config = CPOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Preference and likelihood."""
        return losses.cpo(
            pairs.chosen_logps,
            pairs.rejected_logps,
            pairs.chosen_mean_logps,
            beta=self.config.beta,
            alpha=self.config.alpha,
        )

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """beta times the log-probability: the reference is uniform."""
        return self.config.beta * pairs.chosen_logps, self.config.beta * pairs.rejected_logps


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [CPO]
