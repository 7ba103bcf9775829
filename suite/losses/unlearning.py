"""Losses on the forget set. B rows with N completion tokens altogether; nats.

The total of a method is forget_weight x one of these + retain_weight x (none, `nll` or `kl` on the
retain set).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from suite.losses import checks
from suite.losses.numerics import full_precision
from suite.losses.preference import dpo, logistic

if TYPE_CHECKING:
    from torch import Tensor


def nll(logps: Tensor) -> Tensor:
    """-log p: what fine-tuning minimises. Shape: (N,) per token, or (B,) per answer, as given."""
    return -logps


sft = preferred_ft = idk_sft = nll
"""The same, on demonstrations, on chosen answers, on refusals to forget questions."""


def ga(logps: Tensor) -> Tensor:
    """Gradient ascent, -CE: log p itself is minimised.

    Shape: (N,) per token, or (B,) per answer, as given. Unbounded below. Source: arXiv 2401.06121
    (TOFU).
    """
    return logps


def npo(policy_logps: Tensor, reference_logps: Tensor, *, beta: float = 0.1) -> Tensor:
    """NPO: -(2/beta) log sigma(-beta rho), summed log-probabilities. Shape: (B,).

    DPO without a winner, scaled by 2/beta; (2/beta) ln 2 at the start. Its gradient is gradient
    ascent's times W = 2 pi^beta / (pi^beta + pi_ref^beta), which is 1 at the start and fades as the
    answer is forgotten. Source: arXiv 2404.05868.
    """
    checks.alike(policy_logps=policy_logps, reference_logps=reference_logps)
    checks.positive(beta=beta)
    return (2 / beta) * logistic(None, policy_logps - reference_logps, beta=beta)


def simnpo(mean_logps: Tensor, *, beta: float = 4.5, margin: float = 0.0) -> Tensor:
    """SimNPO: -(2/beta) log sigma(-beta x mean_logp - margin). Shape: (B,).

    `mean_logps`: per token. open-unlearning writes beta (NLL/len - delta), which is the same with
    margin = beta x delta. Source: arXiv 2410.07163.
    """
    checks.alike(mean_logps=mean_logps)
    checks.positive(beta=beta)
    checks.finite(margin=margin)
    return -(2 / beta) * F.logsigmoid(-beta * mean_logps - margin)


def idk_dpo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
) -> Tensor:
    """(2/beta) x DPO with a refusal as chosen and the forget answer as rejected. Shape: (B,).

    The factor puts it on NPO's scale. Source: arXiv 2404.05868.
    """
    checks.positive(beta=beta)
    return (2 / beta) * dpo(
        chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, beta=beta
    )


alt_po = idk_dpo
"""The same with alternates sampled from the model itself as chosen. Source: arXiv 2409.13474."""


def wga(token_logps: Tensor, *, beta: float = 1.0) -> Tensor:
    """Weighted gradient ascent: p^beta log p, p detached. Shape: (N,). Source: arXiv 2502.19301."""
    checks.non_negative(beta=beta)
    return satimp(token_logps, beta1=beta, beta2=0.0)


def satimp(token_logps: Tensor, *, beta1: float = 5.0, beta2: float = 1.0) -> Tensor:
    """SatImp: p^beta1 (1 - p)^beta2 log p, the weight detached. Shape: (N,).

    Source: arXiv 2505.11953.
    """
    checks.non_negative(beta1=beta1, beta2=beta2)
    checks.alike(token_logps=token_logps)
    known = token_logps.detach()
    # Rounding may leave log p a hair above 0, and a negative base has no power.
    weight = torch.exp(beta1 * known) * (-torch.expm1(known)).clamp(min=0) ** beta2
    return weight * token_logps


def rmu_control(
    hidden_size: int, *, scale: float = 2.0, generator: torch.Generator | None = None
) -> Tensor:
    """RMU's target on the forget set: scale x u, u = a unit vector from uniform [0, 1)^d.

    Shape: (d,). Drawn once per run. Source: arXiv 2403.03218.
    """
    checks.positive(scale=scale, hidden_size=hidden_size)
    return scale * F.normalize(torch.rand(hidden_size, generator=generator), dim=0)


def rmu(hidden: Tensor, target: Tensor) -> Tensor:
    """RMU: mean over the d hidden units of (hidden - target)^2. Shape: (N, d) -> (N,).

    `target` on the forget set: `rmu_control`, (d,); on the retain set: the frozen model's
    activations. Source: arXiv 2403.03218.
    """
    if target.shape not in (hidden.shape, hidden.shape[-1:]):
        raise ValueError(
            f"target has shape {tuple(target.shape)}, hidden has {tuple(hidden.shape)}"
        )
    return torch.square(full_precision(hidden) - full_precision(target).detach()).mean(-1)


def dual_ascent(alpha: float, retain_loss: float, *, epsilon: float, eta: float = 1.0) -> float:
    """PDU's dual variable: alpha <- max(0, alpha + eta (R - epsilon)), once per optimiser step.

    It is the weight of the retain loss R in the next step, and grows while R <= epsilon is
    violated. R is the mean over the whole step, so that micro-batches do not change it. Source:
    arXiv 2506.05314; primal part: `pdu`.
    """
    checks.positive(epsilon=epsilon, eta=eta)
    checks.non_negative(alpha=alpha)
    checks.finite(retain_loss=retain_loss)
    return max(0.0, alpha + eta * (retain_loss - epsilon))
