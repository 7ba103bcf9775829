"""SimPO: a margin between mean log-probabilities, without a reference.

    L = E[-log sigma(beta (mean_logp(y_w) - mean_logp(y_l)) - gamma)]

Meng et al., arXiv 2405.14734. gamma = gamma_beta_ratio x beta: the authors' repository sets the
ratio; TRL's `simpo_gamma` is gamma itself. The repository's models use beta 2 to 2.5, ratios 0.1 to
0.8 and learning rates 3e-7 to 1e-6; the defaults here, beta 2 and 1e-6, lie in these ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import NonNegative, Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SimPOConfig:
    """Scale and target margin."""

    beta: Positive = 2.0
    """Scale of the reward, 1 / nats per token (paper: 2 to 2.5)."""
    gamma_beta_ratio: NonNegative = 0.25
    """Target margin over beta, nats per token (its repository's default)."""


class SimPO(PairedMethod[SimPOConfig]):
    """Preference optimisation on length-normalised log-probabilities."""

    name = "simpo"
    needs_reference = False
    train_defaults: ClassVar = {"lr": 1e-6, "batch_size": 128}
    Config = SimPOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """-log sigma(beta x difference of means - gamma)."""
        return losses.simpo(
            pairs.chosen_mean_logps,
            pairs.rejected_mean_logps,
            beta=self.config.beta,
            gamma_beta_ratio=self.config.gamma_beta_ratio,
        )

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """beta times the mean log-probability: there is no reference."""
        return (
            self.config.beta * pairs.chosen_mean_logps,
            self.config.beta * pairs.rejected_mean_logps,
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [SimPO]
