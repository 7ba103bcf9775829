"""Attention that does not copy keys and values for every query head.

Where several query heads share one key/value head, transformers repeats keys and values for each of them before it
calls torch's kernel. Here the queries of such a group become further queries of the shared head instead: the same
products and sums, without the copy. It makes decoding 64 rows of SmolLM2 a quarter faster on a CPU (the copy alone
takes longer than the attention).
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from suite.engines.hf import ATTENTION


def grouped_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend. Shapes: (B, H, S, d), twice (B, K, T, d), (B, 1, S, T) -> (B, S, H, d). No dropout."""
    rows, heads, steps, size = query.shape
    group = heads // key.shape[1]
    if attention_mask is None or group == 1 or kwargs.get("position_bias") is not None:
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)
        return output, None
    grouped = query.reshape(rows, -1, group * steps, size)  # heads of one group are neighbours
    mask = attention_mask.repeat(1, 1, group, 1)
    output = F.scaled_dot_product_attention(grouped, key, value, attn_mask=mask, scale=scaling)
    return output.view(rows, heads, steps, -1).transpose(1, 2).contiguous(), None


AttentionInterface.register(ATTENTION, grouped_attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
