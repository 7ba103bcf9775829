"""Online methods' advantages and losses, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from suite import losses


def rows(*values: list[float]) -> Tensor:
    return torch.tensor(values)


def test_the_score_comes_at_the_last_token_and_the_kl_at_every_token() -> None:
    mask = torch.tensor([[True, True, True], [True, False, False]])
    log_ratios = rows([0.1, -0.2, 0.3], [0.5, 9.0, 9.0])
    rewards = losses.token_rewards(torch.tensor([2.0, -1.0]), log_ratios, mask, kl_coef=0.5)
    torch.testing.assert_close(rewards, rows([-0.05, 0.1, 1.85], [-1.25, 0.0, 0.0]))
    assert rewards[0].sum().item() == pytest.approx(2.0 - 0.5 * 0.2)


def test_gae_by_hand() -> None:
    """r = (0, 0, 1), V = (.5, .6, .7), gamma .9, lam .8.

    delta_2 = 1 - .7 = .3;  delta_1 = .9 * .7 - .6 = .03;  delta_0 = .9 * .6 - .5 = .04
    A_2 = .3;  A_1 = .03 + .72 * .3 = .246;  A_0 = .04 + .72 * .246 = .21712
    """
    mask = torch.ones(1, 3, dtype=torch.bool)
    advantages = losses.gae(rows([0.0, 0.0, 1.0]), rows([0.5, 0.6, 0.7]), mask, gamma=0.9, lam=0.8)
    torch.testing.assert_close(advantages, rows([0.21712, 0.246, 0.3]))


def test_gae_ends_with_the_text() -> None:
    """Padding behind a text changes nothing, whatever stands there."""
    rewards, values = rows([1.0, 2.0]), rows([0.3, -0.4])
    whole = losses.gae(rewards, values, torch.ones(1, 2, dtype=torch.bool))
    mask = torch.tensor([[True, True, False]])
    padded = losses.gae(rows([1.0, 2.0, 7.0]), rows([0.3, -0.4, 5.0]), mask)
    torch.testing.assert_close(padded, torch.cat([whole, torch.zeros(1, 1)], dim=1))


def test_gae_at_its_limits() -> None:
    """lam = 1: all later rewards minus the value; lam = 0: one step ahead."""
    generator = torch.Generator().manual_seed(0)
    rewards, values = torch.randn(4, 6, generator=generator), torch.randn(4, 6, generator=generator)
    mask = torch.ones(4, 6, dtype=torch.bool)
    to_the_end = rewards.flip(1).cumsum(1).flip(1) - values
    torch.testing.assert_close(losses.gae(rewards, values, mask, lam=1.0), to_the_end)
    ahead = rewards + torch.cat([values[:, 1:], torch.zeros(4, 1)], dim=1) - values
    torch.testing.assert_close(losses.gae(rewards, values, mask, lam=0.0), ahead)


def test_clipped_surrogate_by_hand() -> None:
    """Ratios 1, 1.5 and 0.5 with clip 0.2, each with A = 2 and A = -2."""
    logps = torch.tensor([1.0, 1.5, 0.5] * 2).log().requires_grad_()
    advantages = torch.tensor([2.0] * 3 + [-2.0] * 3)
    loss = losses.clipped_surrogate(logps, torch.zeros(6), advantages, clip=0.2)
    torch.testing.assert_close(loss, torch.tensor([-2.0, -2.4, -1.0, 2.0, 3.0, 1.6]))
    (gradient,) = torch.autograd.grad(loss.sum(), logps)
    # None where the ratio has left the interval in the direction that the advantage wants; else
    # -ratio A.
    torch.testing.assert_close(gradient, torch.tensor([-2.0, 0.0, -1.0, 2.0, 3.0, 0.0]))


def test_clipped_value_by_hand() -> None:
    """Old value 0, clip 0.2: going from 0 to 1 towards a return of 1 counts as 0.2 only."""
    values = torch.tensor([1.0, 0.1, -1.0]).requires_grad_()
    loss = losses.clipped_value(values, torch.zeros(3), torch.ones(3), clip=0.2)
    torch.testing.assert_close(loss, torch.tensor([0.5 * 0.8**2, 0.5 * 0.9**2, 0.5 * 4.0]))
    (gradient,) = torch.autograd.grad(loss.sum(), values)
    torch.testing.assert_close(gradient, torch.tensor([0.0, -0.9, -2.0]))


def test_rloo_by_hand() -> None:
    """1, 2, 6: baselines 4, 3.5, 1.5."""
    torch.testing.assert_close(
        losses.rloo_advantages(rows([1.0, 2.0, 6.0])), rows([-3.0, -1.5, 4.5])
    )


def test_rloo_is_the_centred_reward_times_g_over_g_minus_one() -> None:
    rewards = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        losses.rloo_advantages(rewards), (rewards - rewards.mean(1, keepdim=True)) * 4 / 3
    )


def test_grpo_by_hand() -> None:
    """1, 2, 3 has deviation 1; equal rewards teach nothing."""
    advantages = losses.grpo_advantages(rows([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]), epsilon=0.0)
    torch.testing.assert_close(advantages[0], torch.tensor([-1.0, 0.0, 1.0]))
    torch.testing.assert_close(losses.grpo_advantages(rows([5.0, 5.0, 5.0])), torch.zeros(1, 3))


def test_advantages_equal_those_of_trl() -> None:
    """TRL's own helpers, put together as its trainers do (RLOOTrainer, GRPOTrainer,
    scale_rewards="group").
    """
    utils = pytest.importorskip("trl.trainer.utils")
    rewards = torch.randn(6, 4, generator=torch.Generator().manual_seed(1)) * 3
    baselines = (torch.nansum(rewards, dim=1, keepdim=True) - rewards) / (4 - 1)
    torch.testing.assert_close(losses.rloo_advantages(rewards), rewards - baselines)
    scaled = (rewards - torch.nanmean(rewards, 1, keepdim=True)) / (
        utils.nanstd(rewards, dim=1)[:, None] + 1e-4
    )
    torch.testing.assert_close(losses.grpo_advantages(rewards), scaled)


def test_the_kl_estimate_is_unbiased_and_never_negative() -> None:
    generator = torch.Generator().manual_seed(0)
    log_p, log_q = torch.randn(2, 7, generator=generator).double().log_softmax(-1)
    estimates = losses.sampled_kl(log_p, log_q)
    assert (estimates >= 0).all()
    exact = (log_p.exp() * (log_p - log_q)).sum()
    torch.testing.assert_close((log_p.exp() * estimates).sum(), exact)
    assert losses.sampled_kl(log_p, log_p).abs().max() == 0


def test_whitened_values() -> None:
    torch.testing.assert_close(losses.whiten(torch.tensor([1.0, 3.0])), torch.tensor([-1.0, 1.0]))
    assert torch.equal(losses.whiten(torch.tensor([4.0])), torch.zeros(1))


@pytest.mark.parametrize(
    ("kl", "factor"), [(6.0, 1.0), (6.6, 1.01), (60.0, 1.02), (3.0, 0.98), (0.0, 0.98)]
)
def test_the_kl_coefficient_follows_the_target(kl: float, factor: float) -> None:
    """Target 6: an error beyond 20 % counts as 20 %, and a tenth of the error is applied."""
    assert losses.adaptive_kl_coef(0.05, kl, 6.0) == pytest.approx(0.05 * factor)


def test_the_controller_holds_the_kl_of_a_policy_that_answers_to_it() -> None:
    """KL = 1 / coefficient: the controller settles where the KL is the target."""
    coefficient = 1.0
    for _ in range(400):
        coefficient = losses.adaptive_kl_coef(coefficient, 1 / coefficient, 6.0)
    assert 1 / coefficient == pytest.approx(6.0, rel=1e-3)


def test_far_ratios_stay_finite() -> None:
    for gap in (-1e4, 1e4):
        logps = torch.full((2,), gap, requires_grad=True)
        loss = losses.clipped_surrogate(logps, torch.zeros(2), torch.tensor([1.0, -1.0])).sum()
        loss = loss + losses.sampled_kl(logps, torch.zeros(2)).sum()
        (gradient,) = torch.autograd.grad(loss, logps)
        assert math.isfinite(loss.item())
        assert gradient.isfinite().all()


def test_arguments_that_make_no_sense() -> None:
    one, two = torch.zeros(1, 1), torch.zeros(1, 2)
    mask = torch.ones(1, 2, dtype=torch.bool)
    for call, message in (
        (lambda: losses.rloo_advantages(one), "2 samples or more"),
        (lambda: losses.grpo_advantages(one), "2 samples or more"),
        (lambda: losses.adaptive_kl_coef(0.05, 1.0, 0.0), "target must be positive"),
        (lambda: losses.clipped_surrogate(two, two, two, clip=0.0), "clip must be positive"),
        (lambda: losses.clipped_value(two, one, two), "shape"),
        (
            lambda: losses.token_rewards(torch.zeros(1), two, mask, kl_coef=-1.0),
            "kl_coef must be non-negative",
        ),
        (lambda: losses.gae(two, two, mask, gamma=1.1), r"gamma must be in \[0, 1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
