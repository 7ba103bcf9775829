"""Checks of the losses' arguments: what makes no sense raises a ValueError of one line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

PRECISE = (torch.float32, torch.float64)


def positive(**values: float) -> None:
    """Each value is a finite number above zero."""
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be positive and finite, got {value}")


def non_negative(**values: float) -> None:
    """Each value is a finite number, zero or above."""
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be non-negative and finite, got {value}")


def finite(**values: float) -> None:
    """Each value is a finite number."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")


def share(**values: float) -> None:
    """Each value lies in [0, 1]."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be in [0, 1], got {value}")


def smoothing(label_smoothing: float) -> None:
    """A share of wrong labels, in [0, 0.5).

    At one half the labels say nothing; beyond it they say the opposite.
    """
    if not 0 <= label_smoothing < 0.5:
        raise ValueError(f"label_smoothing must be in [0, 0.5), got {label_smoothing}")


def alike(**tensors: Tensor) -> None:
    """Log-probabilities (or rewards) of one shape, in fp32 or fp64.

    Shapes are compared because (B,) with (B, 1) would broadcast to (B, B) and still give a loss.
    bf16 and fp16 are refused because their sums are wrong already: at 256..512 nats bf16 resolves 2
    nats.
    """
    (first, like), *_ = tensors.items()
    for name, tensor in tensors.items():
        if tensor.shape != like.shape:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}, but {first} has {tuple(like.shape)}"
            )
        if tensor.dtype not in PRECISE:
            raise ValueError(
                f"{name} must be float32 or float64, got {str(tensor.dtype).removeprefix('torch.')}"
            )
