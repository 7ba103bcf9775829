from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from suite.engines.attention import grouped_attention


@pytest.mark.parametrize(("heads", "shared"), [(6, 2), (4, 1), (3, 3)])
@pytest.mark.parametrize("steps", [1, 5])
def test_grouped_attention_is_attention_with_repeated_keys(heads: int, shared: int, steps: int) -> None:
    generator = torch.Generator().manual_seed(heads + steps)
    query = torch.randn(2, steps, heads, 8, generator=generator).transpose(1, 2)
    key, value = torch.randn(2, 2, shared, 7, 8, generator=generator)
    mask = torch.ones(2, 1, steps, 7, dtype=torch.bool).tril(7 - steps)
    mask[1, :, :, :2] = False
    module = nn.Module()
    module.num_key_value_groups = heads // shared  # type: ignore[assignment]
    expected, _ = sdpa_attention_forward(module, query, key, value, mask, scaling=0.3)
    output, _ = grouped_attention(module, query, key, value, mask, scaling=0.3)
    assert output.shape == expected.shape == (2, steps, heads, 8)
    assert torch.allclose(output, expected, atol=1e-6)


def test_without_a_mask_attention_is_causal() -> None:
    query, key, value = torch.randn(3, 1, 2, 4, 8)
    module = nn.Module()
    module.num_key_value_groups = 2  # type: ignore[assignment]
    output, _ = grouped_attention(module, query, key[:, :1], value[:, :1], None)
    assert torch.allclose(output[0, 0], value[0, 0, :1].expand(2, -1), atol=1e-6)
