"""A model's weights in fewer bytes than float32, while it trains.

    compact(model, "bfloat16", "cuda")      2 bytes for each weight of a matrix
    compact(model, "nf4", "cuda")           4.13 bits, see `suite.model.four_bit`
    load_compact(folder, "bfloat16", placement, texts, 512)

A forward pass under autocast computes what it computes of float32 weights with the same values:
autocast rounds the matrices of linear layers anyway, and what the embedding hands on is widened
again, so that layers add up in float32. Vectors (norms, biases) are few and stay float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from suite.api.data import Encoded
from suite.api.placement import Placement
from suite.model.agreement import check_agreement
from suite.model.folder import disable_dropout, load_model
from suite.model.four_bit import quantise


def load_compact(
    folder: Path,
    weights: str,
    placement: Placement,
    texts: Sequence[Encoded],
    longest: int,
    dtype: str = "float32",
) -> Any:
    """A checked model, compact; `dtype`: of forward passes; `texts`, `longest`: see
    `check_agreement`. UserError: it is not supported."""
    model = load_model(folder)
    if weights == "float32":
        model = placement.move(model)
    disable_dropout(model)
    # In float32, so before weights are made smaller: until then the device may have no room.
    check_agreement(model, texts, longest)
    return placement.move(compact(model, weights, placement.device, dtype))


def compact(model: Any, weights: str, device: str, dtype: str = "float32") -> Any:
    """The model with its matrices as `TrainConfig.weights` says; `dtype`: of forward passes."""
    if weights == "nf4":
        quantise(model, device, dtype)
    if weights == "bfloat16" or (weights == "nf4" and dtype == "bfloat16"):
        _to_bfloat16(model)
    return model


def _to_bfloat16(model: nn.Module) -> None:
    for parameter in model.parameters():
        if parameter.ndim > 1 and parameter.is_floating_point():
            parameter.data = parameter.data.to(torch.bfloat16)
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.register_forward_hook(_wide)


def _wide(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    return output.float()
