"""AlphaPO, as TRL's CPOTrainer computes it with `loss_type="simpo"` and an `alpha`.

    L = E[-log sigma(beta (r(y_w) - r(y_l)) - gamma)],    r(y) = (1 - p(y)^-alpha) / alpha

p(y) = exp(mean log-probability per token). Gupta et al., arXiv 2501.03884. As alpha -> 0, r tends
to the mean log-probability and the loss to SimPO's. TRL's settings keep their names; its
`simpo_gamma` is gamma itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite import Method, PairedMethod, PairLogps, hookimpl
from suite.ranges import NonNegative, Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class AlphaPOConfig:
    """TRL's settings of the loss."""

    beta: Positive = 2.0
    """Scale of the reward (SimPO's range: 2 to 2.5)."""
    alpha: float = 0.25
    """Shape of the reward; 0: the mean log-probability itself, which is SimPO."""
    simpo_gamma: NonNegative = 0.5
    """Target margin, TRL's default."""


class AlphaPO(PairedMethod[AlphaPOConfig]):
    """SimPO with a reward whose shape alpha decides."""

    name = "trl_alphapo"
    needs_reference = False
    train_defaults: ClassVar = {"lr": 1e-6, "batch_size": 128}
    Config = AlphaPOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """-log sigma(beta x difference of rewards - gamma)."""
        from torch.nn.functional import logsigmoid

        chosen, rejected = self.rewards(pairs)
        return -logsigmoid(chosen - rejected - self.config.simpo_gamma)

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """beta r of each answer."""
        chosen, rejected = pairs.chosen_mean_logps, pairs.rejected_mean_logps
        return self.config.beta * self._shaped(chosen), self.config.beta * self._shaped(rejected)

    def _shaped(self, mean_logps: Tensor) -> Tensor:
        """(1 - p^-alpha) / alpha, without the loss of digits near alpha = 0."""
        from torch import expm1

        alpha = self.config.alpha
        return mean_logps if alpha == 0 else -expm1(-alpha * mean_logps) / alpha


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [AlphaPO]
