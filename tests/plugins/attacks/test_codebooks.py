"""The numbers that 4 and 8 bits stand for, their exact values, and bitsandbytes where it is
installed."""

from __future__ import annotations

import pytest
import torch
from suite_plugins.attacks.codebooks import CODEBOOKS, FP4, NF4, rounded

KINDS = ("nf4", "fp4", "int8")


def test_nf4_has_the_values_of_the_paper() -> None:
    """QLoRA, appendix E: eight quantiles above 0, seven below, and 0 itself."""
    assert len(NF4) == 16
    assert NF4[:2] == (-1.0, -0.6961928009986877)
    assert NF4[7:9] == (0.0, 0.07958029955625534)
    assert NF4[-2:] == (0.7229568362236023, 1.0)
    assert list(NF4) == sorted(NF4)


def test_nf4_is_made_of_quantiles_of_a_normal_distribution() -> None:
    """Its published rule: evenly spaced probabilities up to .9677083, scaled to the largest."""
    normal = torch.distributions.Normal(0, 1)
    above = normal.icdf(torch.linspace(0.9677083, 0.5, 9)[:-1])
    below = -normal.icdf(torch.linspace(0.9677083, 0.5, 8)[:-1])
    values = torch.cat([below, torch.zeros(1), above]).sort().values
    torch.testing.assert_close(values / values.abs().max(), torch.tensor(NF4), atol=2e-5, rtol=0)


def test_fp4_is_sign_two_bits_of_exponent_one_of_mantissa() -> None:
    positive = [value for value in FP4 if value > 0]
    assert [round(12 * value, 4) for value in positive] == [0.0625, 2, 3, 4, 6, 8, 12]
    assert [-value for value in reversed(FP4[:7])] == positive
    assert list(FP4) == sorted(FP4)


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
def test_each_weight_becomes_the_nearest_number_of_its_block(kind: str) -> None:
    weight = torch.randn(6, 30, generator=torch.Generator().manual_seed(0))
    found = rounded(weight, kind, 64).reshape(-1)
    flat, levels = weight.reshape(-1), torch.tensor(CODEBOOKS[kind])
    for start in range(0, len(flat), 64):  # the last block is shorter
        block = flat[start : start + 64]
        choices = levels * block.abs().max()
        nearest = choices[(block[:, None] - choices[None]).abs().argmin(dim=1)]
        torch.testing.assert_close(found[start : start + 64], nearest)


def test_int8_by_hand() -> None:
    weight = torch.tensor([[1.27, -0.634, 0.001], [0.0, 0.0, 0.0]])
    expected = torch.tensor([[1.27, -0.63, 0.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(rounded(weight, "int8", 0), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_on_the_grid_stays(kind: str) -> None:
    weight = torch.randn(8, 128, generator=torch.Generator().manual_seed(1))
    once = rounded(weight, kind, 64)
    torch.testing.assert_close(rounded(once, kind, 64), once, atol=1e-6, rtol=1e-6)
    assert once.unique().numel() <= (16 * 16 if kind != "int8" else 8 * 255)
    assert (once - weight).abs().max() < 0.5 * weight.abs().max()


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_stay_zeros(kind: str) -> None:
    assert torch.equal(rounded(torch.zeros(2, 64), kind, 64), torch.zeros(2, 64))


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@pytest.mark.parametrize("block", [64, 128])
def test_it_is_what_bitsandbytes_computes_with(kind: str, block: int) -> None:
    functional = pytest.importorskip("bitsandbytes.functional")
    weight = 0.02 * torch.randn(96, 192, generator=torch.Generator().manual_seed(2))
    packed, state = functional.quantize_4bit(weight, blocksize=block, quant_type=kind)
    expected = functional.dequantize_4bit(packed, state)
    torch.testing.assert_close(rounded(weight, kind, block), expected, atol=1e-7, rtol=1e-5)


def test_int8_is_what_bitsandbytes_computes_with() -> None:
    functional = pytest.importorskip("bitsandbytes.functional")
    weight = 0.02 * torch.randn(96, 192, generator=torch.Generator().manual_seed(3)).half()
    numbers, scale, _ = functional.int8_vectorwise_quant(weight)
    step = scale[:, None] / 127
    found = rounded(weight, "int8", 0)
    apart = (found / step - numbers).abs()
    # The library divides in half precision, so a number on the edge may fall to the other side.
    assert (apart > 0.01).sum() <= 5
    assert apart.max() < 1.01
