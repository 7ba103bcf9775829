"""Linear layers in 4 bits under adapters: NF4 with scales in 8 bits, by bitsandbytes (QLoRA, arXiv
2305.14314).

    quantise(model, "cuda", "bfloat16")       4.13 bits for each weight of a linear layer
    plain_state(model)                        state_dict() with those weights in float32 again

The embedding and the projection to the vocabulary stay as they are. Quantised weights never change.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from suite.core.errors import UserError

COMPUTE = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def quantise(model: Any, device: str, dtype: str) -> None:
    """Replace a model's linear layers, but the last, by layers in 4 bits on the device that compute
    in `dtype`. UserError: it has none."""
    head = model.get_output_embeddings()
    linear = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not head
    }
    if not linear:
        raise UserError(f"weights=nf4: {type(model).__name__} has no linear layers to quantise")
    for name, module in linear.items():
        model.set_submodule(name, _quantised(module, device, COMPUTE[dtype]))


def _quantised(linear: nn.Linear, device: str, dtype: torch.dtype) -> Any:
    from bitsandbytes.nn import Linear4bit, Params4bit

    made: Any = Linear4bit(
        linear.in_features,
        linear.out_features,
        compute_dtype=dtype,
        quant_type="nf4",
        device="meta",
    )
    made.weight = Params4bit(linear.weight.data, quant_type="nf4", module=made).to(device)
    made.bias = linear.bias
    # In evaluation mode it would pack its weights anew for such processors, and have no gradient.
    made.support_avx512bf16_for_cpu = False
    return made


def plain_state(model: nn.Module) -> dict[str, Tensor]:
    """The weights as a model without quantised layers holds them; what 4 bits stand for, in
    float32."""
    state = dict(model.state_dict())
    for name, module in model.named_modules():
        # Its own weight: an adapter's layer shows that of the layer below, too.
        quantised = getattr(module._parameters.get("weight"), "quant_state", None)
        if quantised is None:
            continue
        from bitsandbytes.functional import dequantize_4bit

        for scale in [key for key in state if key.startswith(f"{name}.weight.")]:
            del state[scale]
        state[f"{name}.weight"] = dequantize_4bit(module.weight.data, quantised).float()
    return state
