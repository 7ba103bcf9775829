"""Paired losses that look at each answer's reward by itself, and the reward model.

Notation as in `suite.losses.preference`: rho_w, rho_l are the log-ratios to the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from suite.losses import checks
from suite.losses.preference import log_ratios

if TYPE_CHECKING:
    from torch import Tensor


def nca(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
) -> Tensor:
    """NCA for pairs: -log sigma(r_w) - 1/2 log sigma(-r_w) - 1/2 log sigma(-r_l), r = beta rho.

    Shape: (B,). Source: arXiv 2402.05369.
    """
    checks.positive(beta=beta)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    noise = F.logsigmoid(-beta * rho_w) + F.logsigmoid(-beta * rho_l)
    return -F.logsigmoid(beta * rho_w) - 0.5 * noise


def bco(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
    delta: float = 0.0,
) -> Tensor:
    """BCO for pairs: -log sigma(r_w - delta) - log sigma(-(r_l - delta)), r = beta rho.

    Shape: (B,). `delta` is the running mean reward, see `bco_delta`. It depends on the rows seen
    before: update it once per optimiser step, from all of the step's rows, or micro-batches would
    change the gradient. TRL leaves it at 0. Source: arXiv 2404.04656.
    """
    checks.positive(beta=beta)
    checks.finite(delta=delta)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return -F.logsigmoid(beta * rho_w - delta) - F.logsigmoid(delta - beta * rho_l)


def bco_delta(delta: float, seen: int, rewards: Tensor) -> tuple[float, int]:
    """Running mean of the rewards beta rho of all answers so far, chosen and rejected alike.

    Takes the mean of the `seen` rewards before and one step's rewards of any shape; returns mean
    and count with them.
    """
    total = seen + rewards.numel()
    if total == 0:
        raise ValueError("there are no rewards to take the mean of")
    return (delta * seen + float(rewards.detach().double().sum())) / total, total


def sppo_hard(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
) -> Tensor:
    """SPPO with hard labels: (rho_w - 1 / (2 beta))^2 + (rho_l + 1 / (2 beta))^2. Shape: (B,).

    The paper's step size eta is 1 / beta. Source: arXiv 2405.00675, equation 4.7 with P = 1 and 0.
    """
    checks.positive(beta=beta)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return torch.square(rho_w - 1 / (2 * beta)) + torch.square(rho_l + 1 / (2 * beta))


def apo_zero(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
) -> Tensor:
    """APO-zero: sigma(-beta rho_w) + sigma(beta rho_l): chosen up, rejected down. Shape: (B,).

    For chosen answers better than the model's own. Source: arXiv 2408.06266, equation 7.
    """
    checks.positive(beta=beta)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return torch.sigmoid(-beta * rho_w) + torch.sigmoid(beta * rho_l)


def apo_down(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
) -> Tensor:
    """APO-down: sigma(beta rho_w) + sigma(-beta h): both down, the rejected further. Shape: (B,).

    For a model better than the chosen answers. Source: arXiv 2408.06266, equation 8.
    """
    checks.positive(beta=beta)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return torch.sigmoid(beta * rho_w) + torch.sigmoid(-beta * (rho_w - rho_l))


def reward_model(
    chosen_rewards: Tensor,
    rejected_rewards: Tensor,
    margin: Tensor | None = None,
    *,
    centering: float = 0.0,
) -> Tensor:
    """Bradley-Terry: -log sigma(r_w - r_l - margin) + centering (r_w + r_l)^2. Shape: (B,).

    `margin`, (B,): how much better the chosen answer was rated. Only differences of rewards are
    identified; `centering` keeps their mean near 0. Source: arXiv 2307.09288 (margin), 2312.09244
    (centering).
    """
    checks.non_negative(centering=centering)
    margin = torch.zeros_like(chosen_rewards) if margin is None else margin
    checks.alike(chosen_rewards=chosen_rewards, rejected_rewards=rejected_rewards, margin=margin)
    off_centre = torch.square(chosen_rewards + rejected_rewards)
    return centering * off_centre - F.logsigmoid(chosen_rewards - rejected_rewards - margin)
