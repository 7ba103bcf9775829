"""Quantisation: weights of 4 or 8 bits may hold again what small updates had moved (Zhang et al.,
arXiv 2410.16454).

    w' = scale * nearest(w / scale)        scale: the largest |w| of a block (of a row: int8)

An unlearning update smaller than half a step of the grid is rounded away, and the target model's
weight comes back. All linear layers but the output are rounded, as bitsandbytes does; what a
4-bit model computes with is written as a plain model, so every engine asks it. The paper's code
uses `fp4`; others report `nf4`, so a number without its type says little. 8 bits are nearly
harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from suite import Attack, Build, Host, Phase, StageKind, Target, UserError, builds, hookimpl
from suite.ranges import Count

from .codebooks import rounded
from .weights import write_changed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class QuantizeConfig:
    """To which numbers weights are rounded."""

    type: Literal["nf4", "fp4", "int8"] = "nf4"
    """The numbers that a weight can be."""
    block: Count = 64
    """4 bits: weights that share a scale."""


class Quantize(Attack[QuantizeConfig]):
    """The weights are rounded to 4 or 8 bits."""

    name = "quantize"
    Config = QuantizeConfig

    def check(self, target: Target) -> None:
        """Refuse a model whose weights are on such a grid already."""
        if target.quantized:
            raise UserError(
                f"attack 'quantize': {target.quantized}; a second rounding would not show what "
                "quantisation brings back"
            )

    def phases(self, target: Target) -> Sequence[Phase]:
        """One: the rounding."""
        block = 0 if self.config.type == "int8" else self.config.block
        return [Phase("", kind="quantize", spec={"type": self.config.type, "block": block})]


@builds("quantize")
def round_weights(build: Build, host: Host) -> None:
    """Write a copy of the model with rounded weights."""
    kind, block = build.spec["type"], build.spec["block"]

    def quantize(weight: Tensor) -> None:
        weight.copy_(rounded(weight, kind, block))

    write_changed(build, quantize)


@hookimpl
def suite_attacks() -> list[type[Attack[Any]]]:
    """Register the attack."""
    return [Quantize]


@hookimpl
def suite_stages() -> list[StageKind]:
    """Register the kind of stage."""
    return [round_weights]
