"""Psi-PO: regress the log-ratio difference on how much better the chosen answer is.

IPO is one case. Notation as in `suite.losses.preference`; tau weighs the KL to the reference.
Source: arXiv 2310.12036.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from suite.losses import checks
from suite.losses.preference import log_ratios

if TYPE_CHECKING:
    from torch import Tensor

Psi = Callable[["Tensor"], "Tensor"]
"""A non-decreasing map of preference probabilities."""

_BY_NAME: dict[str, Psi] = {"identity": lambda p: p, "logit": torch.logit}


def ipo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    tau: float,
) -> Tensor:
    """IPO on summed log-probabilities, as in the paper: (h - 1 / (2 tau))^2. Shape: (B,).

    Up to a constant it is 1/2 [(h - 1/tau)^2 + h^2], the label and its opposite at equal weight.
    At the start it is 1 / (4 tau^2). Other programs call it IPO on means per token; that is
    `ipo_mean`.
    """
    checks.positive(tau=tau)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return torch.square(rho_w - rho_l - 1 / (2 * tau))


def ipo_mean(
    chosen_mean_logps: Tensor,
    rejected_mean_logps: Tensor,
    ref_chosen_mean_logps: Tensor,
    ref_rejected_mean_logps: Tensor,
    *,
    tau: float,
) -> Tensor:
    """IPO on log-probabilities per token: (h_mean - 1 / (2 tau))^2. Shape: (B,).

    What TRL, LLaMA-Factory and HALOs call IPO. Each log-probability is divided by its answer's
    number of completion tokens; a tau that suits sums does not suit means.
    """
    return ipo(
        chosen_mean_logps,
        rejected_mean_logps,
        ref_chosen_mean_logps,
        ref_rejected_mean_logps,
        tau=tau,
    )


def psipo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    chosen_psi: Tensor,
    rejected_psi: Tensor,
    *,
    tau: float,
) -> Tensor:
    """Population Psi-PO: (h - (chosen_psi - rejected_psi) / tau)^2. Shape: (B,).

    `chosen_psi` and `rejected_psi`, (B,), are E_y' Psi(p*(y > y')) of the two answers, see
    `expected_psi`. Over all pairs the minimum is pi* ~ pi_ref exp(E Psi / tau): RLHF and DPO for
    Psi = logit under Bradley-Terry, IPO for Psi = identity.
    """
    checks.positive(tau=tau)
    checks.alike(chosen_logps=chosen_logps, chosen_psi=chosen_psi, rejected_psi=rejected_psi)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return torch.square(rho_w - rho_l - (chosen_psi - rejected_psi) / tau)


def expected_psi(preferences: Tensor, opponents: Tensor, psi: str | Psi = "identity") -> Tensor:
    """E_y' Psi(p*(y > y')) for each of K answers to a prompt.

    Shape: (..., K, K), (..., K) -> (..., K); the leading dimensions are prompts.
    `preferences[..., i, j]` is p*(y_i > y_j), `opponents` the distribution of y', and `psi`
    "identity", "logit" or a function. Raises ValueError if Psi is infinite, as logit is where one
    answer always wins.
    """
    if preferences.shape != (*opponents.shape, opponents.shape[-1]):
        count = opponents.shape[-1]
        raise ValueError(
            f"preferences of {count} answers must be square, got {tuple(preferences.shape)}"
        )
    if isinstance(psi, str):
        if psi not in _BY_NAME:
            raise ValueError(
                f"unknown psi {psi!r}; known: {', '.join(sorted(_BY_NAME))}, or a function"
            )
        psi = _BY_NAME[psi]
    met = (opponents > 0).unsqueeze(-2)  # an opponent that is never met may be unbeatable
    values = psi(preferences).where(met, 0.0)
    if not torch.isfinite(values).all():
        raise ValueError(
            "psi is infinite at some preference: "
            "with logit, no answer may always win or always lose"
        )
    return (values * opponents.unsqueeze(-2)).sum(-1)
