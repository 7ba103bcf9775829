"""Stochastic rounding of weights in training: seen by forward passes only, repeatable."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from suite.model.rounding import to_nearest
from suite.train.precision import StochasticRounding


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(5, 8), nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 2))


def rounding(made: nn.Module, optimizer: torch.optim.Optimizer) -> StochasticRounding:
    return StochasticRounding([made], optimizer, seed=3, autocast=nullcontext)


def test_passes_see_bf16_numbers_and_the_optimiser_float32() -> None:
    made = model()
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-6, weight_decay=0.0)
    before = {name: p.detach().clone() for name, p in made.named_parameters()}
    own = rounding(made, optimizer)
    with own.step(0):
        with own.forward():
            first = made[1].weight.detach().clone()
            made(torch.tensor([1, 2])).sum().backward()
        with own.forward():
            assert torch.equal(made[1].weight, first)  # passes of one step share their weights
        assert torch.equal(first, to_nearest(first))
        assert not torch.equal(first, before["1.weight"])
        assert torch.equal(made[0].weight, before["0.weight"])  # never cast
        optimizer.step()
        moved = made[1].weight.detach() - before["1.weight"]
        assert moved.abs().max() < 1.1e-6  # from the float32 weights, not from the rounded ones
        assert moved.abs().max() > 0
        with own.forward():
            assert not torch.equal(made[1].weight, first)  # rounded anew
    assert torch.equal(made[1].weight.detach() - before["1.weight"], moved)


def test_chance_depends_on_seed_and_step_only() -> None:
    made = model()
    optimizer = torch.optim.AdamW(made.parameters())
    seen = []
    for step in (4, 5, 4):
        own = rounding(made, optimizer)
        with own.step(step), own.forward():
            seen.append(made[1].weight.detach().clone())
    assert torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[0], seen[1])


def test_the_weights_come_back_after_an_error() -> None:
    made = model()
    before = made[1].weight.detach().clone()
    own = rounding(made, torch.optim.AdamW(made.parameters()))
    with pytest.raises(RuntimeError, match="stopped"), own.step(0), own.forward():
        raise RuntimeError("stopped")
    assert torch.equal(made[1].weight, before)


def test_outside_of_a_step_nothing_is_rounded() -> None:
    made = model()
    before = made[1].weight.detach().clone()
    own = rounding(made, torch.optim.AdamW(made.parameters()))
    with own.forward():
        assert torch.equal(made[1].weight, before)
    with own.step(0):
        pass
    with own.forward():
        assert torch.equal(made[1].weight, before)
