"""Psi-PO: maximise a function Psi of the preference probability.

    max  E_{y ~ pi, y' ~ mu} Psi(p*(y > y')) - tau KL(pi || pi_ref)
    optimum  pi* ~ pi_ref exp(E Psi / tau)
    L  = E[(h - (E Psi(p*(y_w > y')) - E Psi(p*(y_l > y'))) / tau)^2],    h = rho_w - rho_l

Azar et al., arXiv 2310.12036, eq. 6. rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens.
Psi = logit is RLHF and DPO under Bradley-Terry, Psi = identity is IPO; you can name any other
non-decreasing function, e.g. `psi=mypackage.maps:cube`.

The loss needs the true preferences p*. A bandit knows them, a file of pairs does not: a single
label is an unbiased estimate of p*, but not of Psi(p*) for any Psi other than the identity. So on
pairs Psi must be the identity, and the loss is IPO's. The training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, Population, UserError, hookimpl, losses
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


NAMED = ("identity", "logit")


@dataclass(frozen=True)
class PsiPOConfig:
    """Which function of preferences, and the weight of the reference."""

    psi: str = "identity"
    """Function of the preference probability: identity is IPO, logit is RLHF; or your own
    non-decreasing function of tensors, as package.module:function."""
    tau: Positive = 0.1
    """Weight of the KL to the reference."""

    def __post_init__(self) -> None:
        function_of(self.psi)


class PsiPO(PairedMethod[PsiPOConfig]):
    """Regression of log-ratio differences to a function of true preferences."""

    name = "psipo"
    Config = PsiPOConfig

    @property
    def modules(self) -> tuple[str, ...]:
        """The module that defines the user's own Psi."""
        return () if self.config.psi in NAMED else (self.config.psi.partition(":")[0],)

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Population loss where true preferences are known, IPO's sampled loss elsewhere."""
        known = pairs.population
        if known is not None:
            psi = function_of(self.config.psi)
            values = losses.expected_psi(known.preferences, known.opponents, psi)  # (P, K)
            chosen = values[known.prompt, known.chosen]
            rejected = values[known.prompt, known.rejected]
            return losses.psipo(*pairs.sums, chosen, rejected, tau=self.config.tau)
        if self.config.psi != "identity":
            raise UserError(
                f"psipo.psi is {self.config.psi!r}, which needs the true preference probabilities; "
                "labelled pairs do not give them: use psi=identity, or a benchmark that knows them "
                "(a bandit)"
            )
        return losses.ipo(*pairs.sums, tau=self.config.tau)

    def optimum(self, population: Population, reference: Tensor) -> Tensor:
        """pi* ~ pi_ref exp(E Psi / tau), the best policy for each prompt. (P, K) -> (P, K)."""
        psi = function_of(self.config.psi)
        values = losses.expected_psi(population.preferences, population.opponents, psi)
        return (reference.log() + values / self.config.tau).softmax(-1)

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """tau times the log-ratio: E Psi at the optimum, up to a constant."""
        chosen, rejected = pairs.logratios
        return self.config.tau * chosen, self.config.tau * rejected


@cache
def function_of(name: str) -> str | losses.Psi:
    """The Psi of that name.

    ValueError if there is none, or if it is no non-decreasing map of probabilities.
    """
    if name in NAMED:
        return name
    if ":" not in name:
        raise ValueError(
            f"psi is {name!r}, but should be {', '.join(NAMED)} or package.module:function"
        )
    try:
        psi: losses.Psi = resolve_name(name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"psi {name!r} cannot be imported: {error}") from None
    _check(name, psi)
    return psi


def _check(name: str, psi: losses.Psi) -> None:
    """Refuse a Psi that fails, changes shapes or decreases on probabilities between 0 and 1."""
    import torch

    probabilities = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    try:
        values = psi(probabilities)
        wrong = values.shape != probabilities.shape
        falls = not wrong and bool((values.diff() < 0).any())
    except Exception as error:
        raise ValueError(f"psi {name!r} fails on a tensor of probabilities: {error}") from None
    if wrong or falls:
        change = "changes the shape of its argument"
        fall = "decreases somewhere between 0 and 1"
        raise ValueError(f"psi {name!r} {change if wrong else fall}")


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [PsiPO]
