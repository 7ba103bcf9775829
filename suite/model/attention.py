"""The attention kernel of training and of the hf engine: torch's, without copies, and in bf16 on a
CPU by products.

Where several query heads share one key/value head, transformers repeats keys and values for each of
them before it calls torch's kernel. Here the queries of such a group become further queries of the
shared head instead: the same products and sums, without the copy. It makes decoding 64 rows of
SmolLM2 a quarter faster on a CPU (the copy alone takes longer than the attention).

torch's fused CPU kernel gains little from bf16: forward and backward of five sequences of 256
tokens take it as long as in fp32, and twice as long as three matrix products and a softmax.

torch's kernel knows no caps on scores (Gemma 2), so these are computed by products as well.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from suite.model.hardware import ATTENTION


def grouped_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend. Shapes: (B, H, S, d), twice (B, K, T, d), (B, 1, S, T) -> (B, S, H, d). No
    dropout."""
    rows, heads, steps, size = query.shape
    group = heads // key.shape[1]
    softcap: float | None = kwargs.get("softcap")
    by_products = softcap is not None or (steps > 1 and _is_cpu_bf16(query))
    if softcap is not None and attention_mask is None:  # transformers leaves out a causal one
        attention_mask = _causal(query, key)
    if (
        attention_mask is None
        or kwargs.get("position_bias") is not None
        or (group == 1 and not by_products)
    ):
        output, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **kwargs
        )
        return output, None
    grouped = query.reshape(rows, -1, group * steps, size)  # heads of one group are neighbours
    mask = attention_mask.repeat(1, 1, group, 1)
    if by_products and mask.dtype == torch.bool:
        output = products(grouped, key, value, attn_mask=mask, scale=scaling, softcap=softcap)
    else:
        output = F.scaled_dot_product_attention(grouped, key, value, attn_mask=mask, scale=scaling)
    return output.view(rows, heads, steps, -1).transpose(1, 2).contiguous(), None


def products(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    attn_mask: Tensor,
    scale: float | None,
    softcap: float | None = None,
) -> Tensor:
    """What `F.scaled_dot_product_attention` computes, one operation after the other; softmax in
    fp32. `softcap`: scores are drawn into (-softcap, softcap) by tanh before they are masked.

    Shapes: (B, K, S, d), twice (B, K, T, d), bool (B, 1, S, T) -> (B, K, S, d).
    """
    scores = (query * (query.shape[-1] ** -0.5 if scale is None else scale)) @ key.transpose(-1, -2)
    if softcap is not None:
        scores = softcap * (scores / softcap).tanh()
    # Not -inf: padding far behind a text sees nothing through a window, and NaN would spread.
    least = torch.finfo(scores.dtype).min
    weights = scores.masked_fill(~attn_mask, least).softmax(-1, dtype=torch.float32)
    return weights.to(value.dtype) @ value


def _causal(query: Tensor, key: Tensor) -> Tensor:
    """(1, 1, S, T): the last S of T tokens, each of which sees itself and what stands before."""
    steps, width = query.shape[2], key.shape[2]
    seen = torch.ones(steps, width, dtype=torch.bool, device=query.device)
    return seen.tril(width - steps)[None, None]


def _is_cpu_bf16(query: Tensor) -> bool:
    if query.device.type != "cpu":
        return False
    return query.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")


AttentionInterface.register(ATTENTION, grouped_attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
