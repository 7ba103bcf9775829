"""Paired losses that need no reference model.

lw, ll: log-probabilities of the chosen and rejected answer, summed over completion tokens; a bar:
divided by their number. CE(chosen) is -bar(lw), the mean per token of each row; a method that wants
the mean over the tokens of the whole step sets the weight here to 0 and adds
`texts.token_mean(nll(...))`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F

from suite.losses import checks
from suite.losses.numerics import log_odds
from suite.losses.preference import logistic

if TYPE_CHECKING:
    from torch import Tensor


def unlikelihood(
    chosen_logps: Tensor, rejected_logps: Tensor, *, alpha: float, floor: float | None = None
) -> Tensor:
    """Unlikelihood, a baseline of the DPO paper: -lw + alpha ll. Shape: (B,).

    It has no lower bound: it keeps falling as ll goes to -infinity. With a `floor` (nats, below 0)
    a rejected answer less likely than that gets no gradient, and the loss of a row is at least
    alpha x floor. Source: arXiv 2305.18290.
    """
    checks.non_negative(alpha=alpha)
    checks.alike(chosen_logps=chosen_logps, rejected_logps=rejected_logps)
    if floor is not None:
        if not floor < 0:
            raise ValueError(f"floor must be below 0, got {floor}")
        rejected_logps = rejected_logps.clamp(min=floor)
    return alpha * rejected_logps - chosen_logps


def slic(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    chosen_mean_logps: Tensor,
    *,
    delta: float = 1.0,
    nll_weight: float = 0.1,
) -> Tensor:
    """SLiC-HF: max(0, delta - lw + ll) + nll_weight CE(chosen). Shape: (B,).

    `delta`: margin in nats. What TRL calls `hinge` is another loss, see `rso_hinge`. Source: arXiv
    2305.10425.
    """
    checks.positive(delta=delta)
    checks.non_negative(nll_weight=nll_weight)
    checks.alike(
        chosen_logps=chosen_logps,
        rejected_logps=rejected_logps,
        chosen_mean_logps=chosen_mean_logps,
    )
    return F.relu(delta - chosen_logps + rejected_logps) - nll_weight * chosen_mean_logps


def cpo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    chosen_mean_logps: Tensor,
    *,
    beta: float = 0.1,
    alpha: float = 1.0,
) -> Tensor:
    """CPO: -log sigma(beta (lw - ll)) + alpha CE(chosen). Shape: (B,). Source: arXiv 2401.08417."""
    checks.non_negative(alpha=alpha)
    checks.alike(
        chosen_logps=chosen_logps,
        rejected_logps=rejected_logps,
        chosen_mean_logps=chosen_mean_logps,
    )
    return logistic(chosen_logps, rejected_logps, beta=beta) - alpha * chosen_mean_logps


def simpo(
    chosen_mean_logps: Tensor,
    rejected_mean_logps: Tensor,
    *,
    beta: float = 2.0,
    gamma_beta_ratio: float = 0.25,
) -> Tensor:
    """SimPO: -log sigma(beta (bar(lw) - bar(ll)) - gamma), gamma = gamma_beta_ratio x beta.

    Shape: (B,). The ratio, in nats per token, is what the authors' repository sets; TRL's
    `simpo_gamma` is gamma itself. Source: arXiv 2405.14734.
    """
    checks.non_negative(gamma_beta_ratio=gamma_beta_ratio)
    checks.alike(chosen_mean_logps=chosen_mean_logps, rejected_mean_logps=rejected_mean_logps)
    return logistic(chosen_mean_logps, rejected_mean_logps + gamma_beta_ratio, beta=beta)


def orpo(
    chosen_mean_logps: Tensor, rejected_mean_logps: Tensor, *, odds_ratio_weight: float = 0.1
) -> Tensor:
    """ORPO: CE(chosen) - weight x log sigma(logodds(bar(lw)) - logodds(bar(ll))). Shape: (B,).

    logodds(x) = x - log(1 - e^x). The weight is the paper's lambda (TRL names it beta). Source:
    arXiv 2403.07691.
    """
    checks.non_negative(odds_ratio_weight=odds_ratio_weight)
    checks.alike(chosen_mean_logps=chosen_mean_logps, rejected_mean_logps=rejected_mean_logps)
    ratio = logistic(log_odds(chosen_mean_logps), log_odds(rejected_mean_logps), beta=1.0)
    return odds_ratio_weight * ratio - chosen_mean_logps
