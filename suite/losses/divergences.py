"""f-divergences for DPO: how far a log-ratio counts as a reward.

Regularising with D_f(policy || reference) instead of the reverse KL makes DPO's implicit reward
beta f'(t), t = the policy's probability over the reference's. Each function here maps log t to
f'(t) - f'(1), so it is 0 at the start. Source: f-DPO, arXiv 2309.16240.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch.nn.functional as F

from suite.losses.numerics import tangent_exp

if TYPE_CHECKING:
    from torch import Tensor

Divergence = Callable[["Tensor"], "Tensor"]
"""Maps log-ratios to scores, shape (B,) -> (B,)."""


def reverse_kl(logratios: Tensor) -> Tensor:
    """KL(policy || reference), the one that DPO is derived from: log t. Shape: (B,) -> (B,)."""
    return logratios


def forward_kl(logratios: Tensor) -> Tensor:
    """KL(reference || policy): 1 - 1/t. Shape: (B,) -> (B,). Below -30 nats its tangent."""
    return 1 - tangent_exp(-logratios)


def jensen_shannon(logratios: Tensor) -> Tensor:
    """Jensen-Shannon: log(2 t / (1 + t)). Shape: (B,) -> (B,)."""
    return math.log(2) + F.logsigmoid(logratios)


def alpha_divergence(alpha: float) -> Divergence:
    """Alpha divergence, alpha in (0, 1): (1 - t^-alpha) / alpha.

    In the limits alpha -> 0 is the reverse KL, alpha -> 1 the forward KL. The alpha is the paper's.
    TRL's `f_alpha_divergence_coef` is 1 - alpha.
    """
    if not 0 < alpha < 1:
        raise ValueError(
            f"alpha must be in (0, 1), got {alpha}; its ends are reverse_kl (0) and forward_kl (1)"
        )

    def scores(logratios: Tensor) -> Tensor:
        return (1 - tangent_exp(-alpha * logratios)) / alpha

    return scores


_BY_NAME: dict[str, Divergence] = {
    "reverse_kl": reverse_kl,
    "forward_kl": forward_kl,
    "jensen_shannon": jensen_shannon,
}


def divergence(name: str, alpha: float | None = None) -> Divergence:
    """Find a divergence by its name: reverse_kl, forward_kl, jensen_shannon or alpha.

    The divergence alpha needs its `alpha`; the others take none.
    """
    if name == "alpha":
        if alpha is None:
            raise ValueError("the alpha divergence needs its alpha, a number in (0, 1)")
        return alpha_divergence(alpha)
    if name not in _BY_NAME:
        raise ValueError(
            f"unknown divergence {name!r}; known: alpha, {', '.join(sorted(_BY_NAME))}"
        )
    if alpha is not None:
        raise ValueError(f"alpha={alpha} means nothing to the divergence {name!r}")
    return _BY_NAME[name]
