from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from suite.model.attention import grouped_attention, products
from tests.model.families import build


@pytest.mark.parametrize(("heads", "shared"), [(6, 2), (4, 1), (3, 3)])
@pytest.mark.parametrize("steps", [1, 5])
def test_grouped_attention_is_attention_with_repeated_keys(
    heads: int, shared: int, steps: int
) -> None:
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


@pytest.mark.parametrize("shared", [1, 3])
def test_products_are_attention(shared: int) -> None:
    query = torch.randn(2, shared, 12, 8, dtype=torch.float64, requires_grad=True)
    key, value = torch.randn(2, 2, shared, 6, 8, dtype=torch.float64)
    mask = torch.ones(2, 1, 12, 6, dtype=torch.bool).tril()
    expected = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    output = products(query, key, value, attn_mask=mask, scale=None)
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)
    gradients = (torch.autograd.grad(out.square().sum(), query)[0] for out in (output, expected))
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


def test_in_bf16_the_result_is_that_of_fp32_but_for_rounding() -> None:
    query, key, value = (torch.randn(1, heads, 20, 16) for heads in (6, 2, 2))
    mask = torch.ones(1, 1, 20, 20, dtype=torch.bool).tril()
    expected, _ = grouped_attention(nn.Module(), query, key, value, mask)
    halves = (x.bfloat16() for x in (query, key, value))
    output, _ = grouped_attention(nn.Module(), *halves, mask)
    assert output.dtype == torch.bfloat16
    assert torch.allclose(output.float(), expected, atol=0.03)


def test_a_padding_token_that_sees_nothing_spoils_nothing() -> None:
    query, key, value = torch.randn(3, 1, 1, 4, 8)
    query.requires_grad_()
    mask = torch.ones(1, 1, 4, 4, dtype=torch.bool).tril()
    mask[:, :, -1] = False  # far behind its text, through a window
    output = products(query, key, value, attn_mask=mask, scale=None)
    output[:, :, :-1].sum().backward()
    assert query.grad is not None
    assert torch.isfinite(query.grad).all()
    assert torch.isfinite(output).all()


@pytest.mark.parametrize("family", ["gemma2", "mistral", "cohere"])
@pytest.mark.parametrize("length", [6, 40])
def test_a_model_attends_as_its_own_code_says(family: str, length: int) -> None:
    """Gemma 2 caps its scores, which torch's kernel leaves out; 40 tokens are beyond a window."""
    model = build(family)
    ids = torch.arange(3, 3 + length)[None]
    with torch.no_grad():
        ours = model(ids).logits
        model.set_attn_implementation("eager")
        torch.testing.assert_close(ours, model(ids).logits, rtol=1e-4, atol=1e-4)
        model.set_attn_implementation("sdpa")
        apart = (ours - model(ids).logits).abs().max()
    assert (apart > 0.01) == (family == "gemma2")


def test_caps_hold_while_decoding_too() -> None:
    model = build("gemma2")
    ids = torch.arange(3, 33)[None]
    with torch.no_grad():
        begun = model(ids[:, :-4], use_cache=True)
        rest = model(ids[:, -4:], past_key_values=begun.past_key_values, use_cache=True).logits
        model.set_attn_implementation("eager")
        torch.testing.assert_close(rest, model(ids).logits[:, -4:], rtol=1e-4, atol=1e-4)
