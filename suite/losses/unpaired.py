"""KTO: answers that are each marked desirable or undesirable. Source: arXiv 2402.01306."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from suite.losses import checks

if TYPE_CHECKING:
    from torch import Tensor


def kto_z0(mismatched_logps: Tensor, mismatched_reference_logps: Tensor) -> Tensor:
    """z0 = max(0, mean rho of prompts with another row's answer), without gradient.

    Shape: (B,) -> (), B >= 2: a single row has no other row's answer. It estimates
    KL(policy || reference) and is common to all rows of the step, so compute it from the step's
    whole batch: a value for each micro-batch would change the gradient.
    """
    checks.alike(
        mismatched_logps=mismatched_logps, mismatched_reference_logps=mismatched_reference_logps
    )
    if mismatched_logps.numel() < 2:
        raise ValueError(f"z0 needs at least 2 mismatched rows, got {mismatched_logps.numel()}")
    return (mismatched_logps - mismatched_reference_logps).mean().detach().clamp(min=0)


def kto(
    policy_logps: Tensor,
    reference_logps: Tensor,
    desirable: Tensor,
    z0: Tensor | float,
    *,
    beta: float = 0.1,
    desirable_weight: float = 1.0,
    undesirable_weight: float = 1.0,
) -> Tensor:
    """KTO: lambda_D sigma(-beta (rho - z0)) if desirable, else lambda_U sigma(beta (rho - z0)).

    Shape: (B,). `desirable`: (B,), bool. `z0`: see `kto_z0`; 0 gives the form without a KL term.
    """
    checks.positive(beta=beta)
    checks.non_negative(desirable_weight=desirable_weight, undesirable_weight=undesirable_weight)
    checks.alike(policy_logps=policy_logps, reference_logps=reference_logps)
    if desirable.dtype != torch.bool or desirable.shape != policy_logps.shape:
        raise ValueError(f"desirable must be bool of shape {tuple(policy_logps.shape)}")
    if isinstance(z0, torch.Tensor) and z0.ndim:
        raise ValueError(f"z0 must be one number for the whole step, got shape {tuple(z0.shape)}")
    reward = beta * (policy_logps - reference_logps - z0)
    up, down = desirable_weight * torch.sigmoid(-reward), undesirable_weight * torch.sigmoid(reward)
    return torch.where(desirable, up, down)
