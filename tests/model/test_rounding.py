"""bf16 rounding: the gain's closed forms, stochastic rounding, imports without ties."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from suite.model.rounding import drop_ties, gain, gain_between, stochastically, to_nearest

UNIT = 2.0**-7
"""Distance of bf16 numbers in [1, 2)."""


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bf16_numbers(n: int, seed: int = 0) -> torch.Tensor:
    return to_nearest(torch.randn(n, generator=generator(seed)))


@pytest.mark.parametrize("share", [0.001, 0.1, 0.49])
def test_nothing_is_seen_of_weights_that_bf16_has(share: float) -> None:
    before = torch.full((1000,), 1.5)
    assert gain([(before, before + share * UNIT)]) == 0


def test_past_half_a_unit_all_of_a_unit_is_seen() -> None:
    before = torch.full((1000,), 1.5)
    assert gain([(before, before + 0.75 * UNIT)]) == pytest.approx(1 / 0.75)


def test_a_tie_makes_a_unit_of_the_smallest_update() -> None:
    """1 + 1.5 units lies between two numbers and is rounded to the even one, 1 + 2 units."""
    before = torch.full((1000,), 1 + 1.5 * UNIT)
    down = before - 0.01 * UNIT
    assert gain([(before, down)]) == pytest.approx(100, rel=1e-3)
    assert gain([(before, before + 0.01 * UNIT)]) == 0


def test_a_gain_of_17() -> None:
    """As with SmolLM2: 8 % of ties of which half show a unit, other weights show nothing.

    The gain of updates of size u is then .04 unit / u, so it is 17 where u is unit / 425.
    """
    before = torch.full((10_000,), 1.5)
    before[:800] = 1 + 1.5 * UNIT
    signs = torch.ones(10_000)
    signs[:400] = -1
    after = before + signs * UNIT / 425
    assert gain([(before, after)]) == pytest.approx(17, rel=5e-3)  # fp32 spaces of the update


def test_stochastic_rounding_has_a_gain_of_one() -> None:
    before = bf16_numbers(200_000)
    after = before + 0.01 * torch.randn(200_000, generator=generator(1)) * before.abs()
    change = after.double() - before.double()
    gains = []
    for seed in range(20):
        seen = stochastically(after, generator(seed)).double() - before.double()
        gains.append(float((seen * change).sum() / (change * change).sum()))
    assert math.fsum(gains) / 20 == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("value", [1 + 0.3 * UNIT, -1 - 0.3 * UNIT, 3e-5, -7.7e-12])
def test_stochastic_rounding_takes_a_neighbour_and_means_the_value(value: float) -> None:
    weight = torch.full((100_000,), value)
    rounded = stochastically(weight, generator())
    neighbours = rounded.unique()
    assert len(neighbours) == 2
    assert torch.equal(neighbours, to_nearest(neighbours))
    assert neighbours.min() < weight[0] < neighbours.max()
    sd = float(rounded.double().std())
    assert abs(float(rounded.double().mean() - weight[0].double())) < 5 * sd / 100_000**0.5


def test_stochastic_rounding_leaves_bf16_numbers_and_repeats() -> None:
    exact = torch.cat([bf16_numbers(1000), torch.tensor([0.0, -0.0])])
    assert torch.equal(stochastically(exact, generator()), exact)
    weight = torch.randn(1000, generator=generator(5))
    assert torch.equal(stochastically(weight, generator(2)), stochastically(weight, generator(2)))
    assert not torch.equal(
        stochastically(weight, generator(2)), stochastically(weight, generator(3))
    )


def test_no_change_has_no_gain() -> None:
    weight = torch.ones(3)
    assert gain([(weight, weight)]) is None


@pytest.mark.parametrize("tied", [True, False])
def test_an_embedding_counts_only_if_it_is_the_projection(tmp_path: Path, tied: bool) -> None:
    """The embedding moves by a whole unit, the projection by nothing that is seen."""
    weight = torch.full((4, 4), 1.5)
    for name, share in (("start", 0.0), ("end", 1.0)):
        tensors = {
            "model.embed_tokens.weight": weight + share * UNIT,
            "model.norm.weight": weight[0] + share,
        }
        if not tied:
            tensors["lm_head.weight"] = weight + 0.1 * share * UNIT
        (tmp_path / name).mkdir()
        save_file(tensors, tmp_path / name / "model.safetensors")
    assert gain_between(tmp_path / "start", tmp_path / "end") == (1 if tied else 0)


def test_dropping_ties_leaves_bf16_matrices_and_the_norms() -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.LayerNorm(16))
    with torch.no_grad():
        model[0].weight.fill_(1 + 1.5 * UNIT)
        model[1].weight.fill_(1 + 1.5 * UNIT)
    drop_ties(model)
    assert torch.equal(model[0].weight, torch.full((16, 16), 1 + 2 * UNIT))
    assert torch.equal(model[1].weight, torch.full((16,), 1 + 1.5 * UNIT))
