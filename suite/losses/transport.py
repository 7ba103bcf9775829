"""AOT: make the policy's distribution of margins dominate the reference's.

It compares the sorted margins of the two, which couples the rows of a batch: cutting the step into
micro-batches would change it, so a method that uses it sets `batch_coupled`. Row i of the result
belongs to the i-th smallest margin, not to the i-th pair. Source: arXiv 2406.05882.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from suite.losses import checks
from suite.losses.preference import smoothed_logistic

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
    """AOT for pairs: cDPO's loss of sort(lw - ll) - sort(ref lw - ref ll).

    Shape: (B,), in sorted order.
    """
    checks.alike(
        chosen_logps=chosen_logps,
        rejected_logps=rejected_logps,
        ref_chosen_logps=ref_chosen_logps,
        ref_rejected_logps=ref_rejected_logps,
    )
    policy = torch.sort(chosen_logps - rejected_logps).values
    reference = torch.sort(ref_chosen_logps - ref_rejected_logps).values
    return smoothed_logistic(policy - reference, beta=beta, label_smoothing=label_smoothing)
