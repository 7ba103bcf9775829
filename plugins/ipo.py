"""IPO, identity preference optimisation: the difference of log-ratios has a finite target.

    L = E[(h - 1 / (2 tau))^2],    h = rho_w - rho_l

Azar et al., arXiv 2310.12036, eq. 17. rho = log pi_theta(y|x) - log pi_ref(y|x). At the start the
loss is 1 / (4 tau^2). In the paper rho is summed over tokens. TRL, LLaMA-Factory and HALOs divide
it by the answer's number of tokens and call that IPO too. That is another loss, here
`reduction=mean`, and it needs another tau. The paper tests on bandits with tau 0.1, 0.5 and 1; the
training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class IPOConfig:
    """Target margin, and the log-probabilities that it compares."""

    tau: Positive = 0.1
    """Weight of the KL to the reference; the target margin is 1 / (2 tau) nats (mean: a token)."""
    reduction: Literal["sum", "mean"] = "sum"
    """Log-probabilities of an answer: summed as in the paper, or their mean as in TRL."""


class IPO(PairedMethod[IPOConfig]):
    """Identity preference optimisation: regression to a finite margin."""

    name = "ipo"
    Config = IPOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Squared distance from the target."""
        if self.config.reduction == "mean":
            return losses.ipo_mean(*pairs.means, tau=self.config.tau)
        return losses.ipo(*pairs.sums, tau=self.config.tau)

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """tau times the log-ratio: at the optimum their difference is p*(chosen) - p*(rejected)."""
        logps = pairs.means if self.config.reduction == "mean" else pairs.sums
        chosen, rejected, ref_chosen, ref_rejected = logps
        tau = self.config.tau
        return tau * (chosen - ref_chosen), tau * (rejected - ref_rejected)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [IPO]
