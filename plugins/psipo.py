"""Psi-PO: maximise a function Psi of the preference probability (Azar et al., arXiv 2310.12036, eq. 6).

    max  E_{y ~ pi, y' ~ mu} Psi(p*(y > y')) - tau KL(pi || pi_ref)        optimum: pi* ~ pi_ref exp(E Psi / tau)
    L  = E[(h - (E Psi(p*(y_w > y')) - E Psi(p*(y_l > y'))) / tau)^2],    h = rho_w - rho_l

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. Psi = logit is RLHF and DPO under Bradley-Terry, Psi =
identity is IPO. The loss needs the true preferences p*, which a bandit has and a file of pairs has not: a single
label estimates p* without bias, but no Psi other than the identity of it. So on pairs Psi must be the identity, and
the loss is IPO's. The training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from suite import Method, UserError, hookimpl, losses
from suite.paired import PairedMethod, PairLogps
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PsiPOConfig:
    """Which function of preferences, and how strong the reference is."""

    psi: Literal["identity", "logit"] = "identity"
    """Function of the preference probability: identity is IPO, logit is RLHF."""
    tau: Positive = 0.1
    """Weight of the KL to the reference."""


class PsiPO(PairedMethod[PsiPOConfig]):
    """Regression of log-ratio differences to a function of true preferences."""

    name = "psipo"
    Config = PsiPOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Population loss where true preferences are known, IPO's sampled loss elsewhere."""
        known = pairs.population
        if known is not None:
            values = losses.expected_psi(known.preferences, known.opponents, self.config.psi)  # (P, K)
            chosen, rejected = values[known.prompt, known.chosen], values[known.prompt, known.rejected]
            return losses.psipo(*pairs.sums, chosen, rejected, tau=self.config.tau)
        if self.config.psi != "identity":
            raise UserError(
                f"psipo.psi is {self.config.psi!r}, which needs the true preference probabilities; labelled pairs do "
                "not give them: use psi=identity, or a benchmark that knows them (a bandit)"
            )
        return losses.ipo(*pairs.sums, tau=self.config.tau)

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """tau times the log-ratio: E Psi at the optimum, up to a constant."""
        chosen, rejected = pairs.logratios
        return self.config.tau * chosen, self.config.tau * rejected


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [PsiPO]
