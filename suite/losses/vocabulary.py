"""Losses over the whole vocabulary: N completion positions, V tokens, logits (N, V) -> (N,), nats.

Positions are independent, so a caller short of memory may pass them in chunks and concatenate the
results. Half-precision logits are raised to fp32 first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from suite.losses import checks
from suite.losses.numerics import full_precision

if TYPE_CHECKING:
    from torch import Tensor


def kl(reference_logits: Tensor, logits: Tensor) -> Tensor:
    """KL(reference || policy) at each position. Shape: (N, V) -> (N,).

    The reference gets no gradient.
    """
    _same_shape(reference_logits, logits)
    log_q = F.log_softmax(full_precision(reference_logits).detach(), -1)
    log_p = F.log_softmax(full_precision(logits), -1)
    return F.kl_div(log_p, log_q, reduction="none", log_target=True).sum(-1)


def undial(
    logits: Tensor, reference_logits: Tensor, labels: Tensor, *, beta: float = 10.0
) -> Tensor:
    """UNDIAL: CE(policy, softmax(reference_logits - beta onehot(label))).

    Shape: (N, V), (N,) -> (N,). Self-distillation from the frozen model with the memorised token
    made less likely. Source: arXiv 2402.10052.
    """
    checks.positive(beta=beta)
    _same_shape(reference_logits, logits)
    remembered = full_precision(reference_logits).detach()
    minus_beta = torch.full_like(remembered[..., :1], -beta)
    return _soft_cross_entropy(logits, remembered.scatter_add(-1, labels.unsqueeze(-1), minus_beta))


def ce_u(logits: Tensor, labels: Tensor) -> Tensor:
    """CE-U: CE(policy, softmax(logits, detached, with the label at -infinity)).

    Shape: (N, V), (N,) -> (N,). The caller leaves out the first answer token of each row. Source:
    arXiv 2503.01224.
    """
    others = full_precision(logits).detach().scatter(-1, labels.unsqueeze(-1), -torch.inf)
    return _soft_cross_entropy(logits, others)


def pdu(logits: Tensor) -> Tensor:
    """PDU's flattening of the forget set: (max logit - mean logit)^2. Shape: (N, V) -> (N,).

    0 for uniform logits. Minimised subject to R <= epsilon on the retain set, see `dual_ascent`.
    Source: arXiv 2506.05314.
    """
    logits = full_precision(logits)
    return torch.square(logits.amax(-1) - logits.mean(-1))


def _soft_cross_entropy(logits: Tensor, target_logits: Tensor) -> Tensor:
    return -(F.softmax(target_logits, -1) * F.log_softmax(full_precision(logits), -1)).sum(-1)


def _same_shape(reference_logits: Tensor, logits: Tensor) -> None:
    if reference_logits.shape != logits.shape:
        raise ValueError(
            f"reference_logits has shape {tuple(reference_logits.shape)}, "
            f"logits has {tuple(logits.shape)}"
        )
