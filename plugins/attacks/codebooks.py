"""Rounding of weights to few bits, and back: what a quantised model computes with.

    rounded(weight, "nf4", block=64)        nearest of 16 numbers times the largest |w| of its block

    nf4     16 quantiles of a normal distribution (QLoRA, arXiv 2305.14314, appendix E)
    fp4     a sign, two bits of exponent, one of mantissa (bitsandbytes' 4-bit default)
    int8    whole numbers -127 .. 127, scaled by the largest |w| of each row (LLM.int8, arXiv
            2208.07339; its outlier activations change no weight)

Not a plugin of its own: it registers no attack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

NF4 = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
_POSITIVE_FP4 = (0.0, 0.0625 / 12, 2 / 12, 3 / 12, 4 / 12, 6 / 12, 8 / 12, 1.0)
"""0, the one subnormal number, 2, 3, 4, 6, 8, 12, over the largest."""
FP4 = (*(-number for number in reversed(_POSITIVE_FP4[1:])), *_POSITIVE_FP4)
CODEBOOKS = {"nf4": NF4, "fp4": FP4}


def rounded(weight: Tensor, kind: str, block: int) -> Tensor:
    """The weight as it is after quantisation, in float32. Shape: that of `weight`."""
    if kind == "int8":
        return _by_row(weight.float())
    return _by_block(weight.float(), CODEBOOKS[kind], block)


def _by_row(weight: Tensor) -> Tensor:
    """To 255 whole numbers, scaled by the largest |w| of each row."""
    scale = weight.abs().amax(dim=-1, keepdim=True).clamp(min=1e-30) / 127
    return (weight / scale).round() * scale


def _by_block(weight: Tensor, codebook: tuple[float, ...], block: int) -> Tensor:
    """To the nearest number of the codebook, scaled by the largest |w| of each block."""
    import torch

    levels = torch.tensor(codebook, device=weight.device)
    between = (levels[1:] + levels[:-1]) / 2
    flat = weight.reshape(-1)
    padded = torch.nn.functional.pad(flat, (0, -len(flat) % block)).reshape(-1, block)
    scale = padded.abs().amax(dim=1, keepdim=True)
    # A block of zeros has no scale; it stays as it is.
    codes = torch.bucketize(padded / scale.clamp(min=1e-30), between)
    return (levels[codes] * scale).reshape(-1)[: len(flat)].reshape(weight.shape)
