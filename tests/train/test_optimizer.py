"""Updates below bfloat16's resolution: kept on average, and what a resumed run needs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from suite.settings import TrainConfig
from suite.train.optimizer import Widened, make_optimizer, widened

LR, STEPS = 1e-5, 50
CONFIG = TrainConfig(lr=LR, weight_decay=0.0)
"""A step of AdamW under a constant gradient is the learning rate: here 1e-5, while the bfloat16
numbers around .5 lie .002 apart."""


def half(size: int = 20_000, dtype: torch.dtype = torch.bfloat16) -> nn.Parameter:
    return nn.Parameter(torch.full((size,), 0.5, dtype=dtype))


def descend(optimizer: torch.optim.Optimizer, weights: nn.Parameter, steps: int = STEPS) -> None:
    for _ in range(steps):
        weights.grad = torch.ones_like(weights)
        optimizer.step()


def test_small_updates_are_not_lost_over_steps() -> None:
    weights = half()
    descend(make_optimizer(CONFIG, [weights], seed=0), weights)
    assert weights.dtype == torch.bfloat16
    moved = float((weights.detach().double() - 0.5).mean())
    # Each weight is one of few bfloat16 numbers; the mean of 20,000 is what fp32 would reach. The
    # standard error of the mean is 1e-5 (sqrt(.0005 * .002 / 20,000)).
    assert moved == pytest.approx(-LR * STEPS, abs=5e-5)


def test_rounded_to_the_nearest_they_are_all_lost() -> None:
    weights = half()
    config = replace(CONFIG, rounding="nearest")
    descend(make_optimizer(config, [weights], seed=0), weights)
    assert torch.equal(weights.detach(), torch.full_like(weights, 0.5))


def test_an_update_that_bf16_can_hold_is_plain_adamws() -> None:
    """From 1 to .5 in one step: no rounding happens, so the result is torch's own."""
    config = replace(CONFIG, lr=0.5)
    narrow, wide = nn.Parameter(torch.ones(3).bfloat16()), nn.Parameter(torch.ones(3))
    for weights in (narrow, wide):
        descend(make_optimizer(config, [weights], seed=0), weights, steps=1)
    torch.testing.assert_close(narrow.detach().float(), wide.detach(), rtol=0, atol=1e-6)


def test_float32_weights_have_torchs_own_optimiser() -> None:
    assert type(make_optimizer(CONFIG, [half(dtype=torch.float32)], 0)) is torch.optim.AdamW


def test_the_scheduler_sets_the_rate_of_every_tensor() -> None:
    weights = [half(4), half(4, torch.float32)]
    optimizer = make_optimizer(CONFIG, weights, 0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5)
    for each in weights:
        each.grad = torch.ones_like(each)
    optimizer.step()
    scheduler.step()
    assert isinstance(optimizer, Widened)
    rates = [inner.param_groups[0]["lr"] for inner in optimizer.inner]
    assert rates == [LR / 2, LR / 2]


def test_a_restored_optimiser_goes_on_bit_for_bit() -> None:
    weights = half()
    optimizer = make_optimizer(CONFIG, [weights], seed=7)
    descend(optimizer, weights, 3)
    kept = nn.Parameter(weights.detach().clone())
    again = make_optimizer(CONFIG, [kept], seed=7)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert isinstance(again, Widened)
    (state,) = again.inner[0].state.values()
    assert state["exp_avg"].dtype == torch.float32  # moments keep all their bits
    assert kept.dtype == torch.bfloat16
    descend(optimizer, weights, 3)
    descend(again, kept, 3)
    assert torch.equal(weights, kept)


def test_frozen_tensors_are_left_alone() -> None:
    frozen, trained = half(4), half(4)
    optimizer = make_optimizer(replace(CONFIG, lr=0.5), [frozen, trained], 0)
    trained.grad = torch.ones_like(trained)
    optimizer.step()
    assert torch.equal(frozen.detach(), torch.full_like(frozen, 0.5))
    assert not torch.equal(trained.detach(), torch.full_like(trained, 0.5))


def test_weights_come_back_narrow_after_an_error() -> None:
    weights = half(4)
    weights.grad = torch.ones_like(weights)
    seen = []

    def stop() -> None:
        with widened(weights):
            assert weights.grad is not None
            seen.extend([weights.dtype, weights.grad.dtype])
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        stop()
    assert seen == [torch.float32, torch.float32]
    assert weights.dtype == torch.bfloat16
    assert weights.grad is not None and weights.grad.dtype == torch.bfloat16


def eight_bit(config: TrainConfig = CONFIG, **changes: Any) -> TrainConfig:
    pytest.importorskip("bitsandbytes", reason="the extra `test` has it")
    return replace(config, optimizer="adamw_8bit", **changes)


def wander(optimizer: torch.optim.Optimizer, weights: Sequence[nn.Parameter], seeds: range) -> None:
    """Steps of gradients of which half is the same in every step, and half is noise."""
    for seed in seeds:
        for each in weights:
            shared = torch.randn(each.shape, generator=torch.Generator().manual_seed(0))
            noise = torch.randn(each.shape, generator=torch.Generator().manual_seed(1 + seed))
            each.grad = (shared + noise).to(each.dtype)
        optimizer.step()


def test_steps_with_moments_in_8_bits_follow_torchs() -> None:
    """The first step is torch's own: moments are rounded after it. Then each moment is off by half
    the gap between two of the 256 numbers around it, at most 1.6% of its block's largest. A step is
    a quotient of the two, so one weight may be off by a part of a step, but the mean is 1% of it:
    errors of a step do not lean to one side, so they do not add up over steps."""
    config = eight_bit(lr=1e-3)
    exact, rounded = (nn.Parameter(torch.zeros(64, 256)) for _ in range(2))
    torchs = make_optimizer(replace(config, optimizer="adamw"), [exact], 0)
    ours = make_optimizer(config, [rounded], 0)
    wander(torchs, [exact], range(1))
    wander(ours, [rounded], range(1))
    torch.testing.assert_close(rounded, exact, rtol=1e-5, atol=1e-8)
    wander(torchs, [exact], range(1, 50))
    wander(ours, [rounded], range(1, 50))
    apart = (rounded - exact).detach().abs()
    path = exact.detach().abs().mean()
    print(float(apart.mean() / path), float(apart.max() / path))
    assert float(apart.mean()) < 0.02 * float(path)
    assert float(apart.max()) < 0.2 * float(path)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_moments_in_8_bits_are_restored_bit_for_bit(dtype: torch.dtype, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    from suite.train.checkpoints import flatten, unflatten

    config = eight_bit(lr=1e-2)
    weights = [nn.Parameter(torch.full((64, 256), 0.5, dtype=dtype)) for _ in range(2)]
    optimizer = make_optimizer(config, weights, seed=7)
    wander(optimizer, weights, range(3))
    tensors, rest = flatten(optimizer.state_dict())
    assert sum(tensor.nbytes for tensor in tensors.values()) < 2.2 * 2 * 64 * 256
    save_file(tensors, tmp_path / "state.safetensors")  # refuses tensors that share memory
    kept = [nn.Parameter(each.detach().clone()) for each in weights]
    again = make_optimizer(config, kept, seed=7)
    again.load_state_dict(unflatten(load_file(tmp_path / "state.safetensors"), rest))
    wander(optimizer, weights, range(3, 6))
    wander(again, kept, range(3, 6))
    assert all(torch.equal(old, new) for old, new in zip(weights, kept, strict=True))


def test_moments_in_8_bits_lose_no_small_update_of_bfloat16_weights() -> None:
    weights = half()
    descend(make_optimizer(eight_bit(), [weights], seed=0), weights)
    moved = float((weights.detach().double() - 0.5).mean())
    assert moved == pytest.approx(-LR * STEPS, abs=5e-5)
