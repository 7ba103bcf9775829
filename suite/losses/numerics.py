"""Functions that stay finite, in value and in slope, wherever log-probabilities can take them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

EXP_LIMIT = 30.0
"""Nats. Beyond it `tangent_exp` is linear.

e^30 = 1e13 is small enough that its square, and so a gradient norm, is still finite in fp32.
"""


def tangent_exp(x: Tensor) -> Tensor:
    """exp(x) up to `EXP_LIMIT`, its tangent beyond.

    A clamp would make the gradient vanish there.
    """
    return torch.exp(x.clamp(max=EXP_LIMIT)) * (1 + torch.relu(x - EXP_LIMIT))


def log1mexp(x: Tensor) -> Tensor:
    """log(1 - e^x) for x <= 0.

    Above -eps its tangent, since floating point cannot tell e^x from 1 there.
    """
    limit = -torch.finfo(x.dtype).eps
    inside = x.clamp(max=limit)
    near_one = torch.log(-torch.expm1(inside))
    # Clamped once more: a branch that `where` drops must still have a finite gradient.
    near_zero = torch.log1p(-torch.exp(inside.clamp(max=-math.log(2))))
    slope = 1 / math.expm1(-limit)
    return torch.where(inside > -math.log(2), near_one, near_zero) - slope * torch.relu(x - limit)


def log_odds(logps: Tensor) -> Tensor:
    """log(p / (1 - p)) from log p."""
    return logps - log1mexp(logps)


def full_precision(logits: Tensor) -> Tensor:
    """Half-precision logits as fp32; fp32 and fp64 as they are."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
