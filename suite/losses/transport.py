"""AOT: make the whole distribution of chosen scores dominate that of the rejected ones, by sorting the batch.

Both losses couple the rows of a batch: they are not invariant to cutting the step into micro-batches, so a
method that uses them sets `batch_coupled`. Row i of the result belongs to the i-th smallest score, not to
the i-th pair. Source: arXiv 2406.05882.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from suite.losses import checks
from suite.losses.preference import log_ratios, smoothed_logistic

if TYPE_CHECKING:
    from torch import Tensor


def aot(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Paired AOT: cDPO's loss of sort(lw - ll) - sort(ref lw - ref ll). Shape: (B,), in sorted order."""
    checks.alike(
        chosen_logps=chosen_logps,
        rejected_logps=rejected_logps,
        ref_chosen_logps=ref_chosen_logps,
        ref_rejected_logps=ref_rejected_logps,
    )
    policy = torch.sort(chosen_logps - rejected_logps).values
    reference = torch.sort(ref_chosen_logps - ref_rejected_logps).values
    return smoothed_logistic(policy - reference, beta=beta, label_smoothing=label_smoothing)


def aot_unpaired(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Unpaired AOT: cDPO's loss of sort(rho_w) - sort(rho_l). Shape: (B,), in sorted order.

    Which chosen answer came with which rejected one does not matter; there must be equally many.
    """
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    margin = torch.sort(rho_w).values - torch.sort(rho_l).values
    return smoothed_logistic(margin, beta=beta, label_smoothing=label_smoothing)
