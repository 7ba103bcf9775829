"""Closed-form facts of the unlearning losses."""

from __future__ import annotations

import math

import pytest
import torch

from suite import losses

POLICY = torch.tensor([-3.0, -0.2, -41.0, -7.5], dtype=torch.float64)
REFERENCE = torch.tensor([-2.0, -1.0, -44.0, -7.5], dtype=torch.float64)


def gradient(loss: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(loss.sum(), at)[0]


@pytest.mark.parametrize(
    ("beta", "start"), [(0.1, 13.862943611198906), (1.0, 2 * math.log(2)), (4.0, math.log(2) / 2)]
)
def test_npo_starts_at_two_over_beta_log_two(beta: float, start: float) -> None:
    torch.testing.assert_close(
        losses.npo(POLICY, POLICY, beta=beta), torch.full_like(POLICY, start), rtol=1e-15, atol=0
    )


def test_npo_becomes_gradient_ascent_as_beta_vanishes() -> None:
    """L - (2/beta) log 2 -> log pi - log pi_ref, with an error of beta rho^2 / 4.

    The gradients too.
    """
    policy = POLICY.clone().requires_grad_()
    ascent = losses.ga(policy) - REFERENCE
    for beta in (1e-2, 1e-3, 1e-4):
        shifted = losses.npo(policy, REFERENCE, beta=beta) - 2 / beta * math.log(2)
        error = (shifted - ascent).detach()
        torch.testing.assert_close(
            error, beta * (POLICY - REFERENCE) ** 2 / 4, rtol=1e-3, atol=1e-10
        )
        slopes = gradient(shifted, policy) - gradient(losses.ga(policy), policy)
        torch.testing.assert_close(slopes, beta * (POLICY - REFERENCE) / 2, rtol=1e-3, atol=1e-10)


@pytest.mark.parametrize("beta", [0.05, 0.1, 1.0, 5.0])
def test_npo_weighs_gradient_ascent_by_w(beta: float) -> None:
    """W = 2 pi^beta / (pi^beta + pi_ref^beta):
    in (0, 2), 1 at the start, less as the answer is forgotten.
    """
    policy = torch.linspace(-25, -0.01, 101, dtype=torch.float64).requires_grad_()
    reference = torch.full_like(policy, -5.0)
    pi, pi_ref = policy.detach().exp() ** beta, reference.exp() ** beta

    weight = gradient(losses.npo(policy, reference, beta=beta), policy)

    torch.testing.assert_close(weight, 2 * pi / (pi + pi_ref), rtol=1e-12, atol=0)
    assert ((weight > 0) & (weight < 2) & (weight.diff(prepend=torch.zeros(1)) > 0)).all()
    at_start = reference.clone().requires_grad_()
    assert (gradient(losses.npo(at_start, reference, beta=beta), at_start) == 1).all()


def test_npo_is_dpo_without_a_winner() -> None:
    """A winner whose log-ratio stays 0 is no winner."""
    gone = torch.zeros_like(POLICY)
    with_idle_winner = losses.dpo(gone, POLICY, gone, REFERENCE, beta=0.3) * 2 / 0.3

    torch.testing.assert_close(losses.npo(POLICY, REFERENCE, beta=0.3), with_idle_winner)
    torch.testing.assert_close(
        losses.logistic(None, POLICY - REFERENCE, beta=0.3) * 2 / 0.3, with_idle_winner
    )


def test_alternate_answers_are_dpo_on_the_scale_of_npo() -> None:
    start = losses.idk_dpo(POLICY, REFERENCE, POLICY, REFERENCE, beta=0.1)

    assert losses.alt_po is losses.idk_dpo
    torch.testing.assert_close(start, losses.npo(POLICY, POLICY, beta=0.1))


def test_simnpo_equals_open_unlearning_up_to_the_margin_scale() -> None:
    nll, beta, delta = -POLICY, 4.5, 0.3
    theirs = -2 / beta * torch.nn.functional.logsigmoid(beta * (nll - delta))

    torch.testing.assert_close(losses.simnpo(POLICY, beta=beta, margin=beta * delta), theirs)


def test_ga_is_negative_cross_entropy() -> None:
    logits = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 6, 3, 3, 1])
    logps = logits.log_softmax(-1)[torch.arange(5), labels]
    cross_entropy = torch.nn.functional.cross_entropy(logits, labels, reduction="none")

    torch.testing.assert_close(losses.ga(logps), -cross_entropy)
    torch.testing.assert_close(losses.nll(logps), cross_entropy)


def test_weights_of_token_losses_carry_no_gradient() -> None:
    logps = torch.log(torch.tensor([0.9, 0.5, 0.01], dtype=torch.float64)).requires_grad_()
    p = logps.detach().exp()

    torch.testing.assert_close(losses.wga(logps, beta=2.0).detach(), p**2 * logps.detach())
    torch.testing.assert_close(gradient(losses.wga(logps, beta=2.0), logps), p**2)
    satimp = losses.satimp(logps, beta1=3.0, beta2=0.5)
    torch.testing.assert_close(satimp.detach(), p**3 * (1 - p) ** 0.5 * logps.detach())
    torch.testing.assert_close(gradient(satimp, logps), p**3 * (1 - p) ** 0.5)
    torch.testing.assert_close(losses.wga(logps, beta=0.0), losses.ga(logps))


def test_certain_tokens_weigh_nothing_in_satimp() -> None:
    """A probability of 1, or rounded to a hair above, has no power to raise:
    the weight is 0, not nan.
    """
    logps = torch.tensor([0.0, 1e-7]).requires_grad_()
    value = losses.satimp(logps, beta1=5.0, beta2=0.5)

    assert (value == 0).all()
    assert (gradient(value, logps) == 0).all()


def test_rmu_control_has_the_given_norm_and_no_negative_part() -> None:
    control = losses.rmu_control(64, scale=6.5, generator=torch.Generator().manual_seed(3))
    again = losses.rmu_control(64, scale=6.5, generator=torch.Generator().manual_seed(3))

    assert control.norm().item() == pytest.approx(6.5)
    assert (control >= 0).all()
    assert torch.equal(control, again)


def test_rmu_pulls_towards_the_target() -> None:
    hidden = torch.randn(3, 4, dtype=torch.float64).requires_grad_()
    control = torch.ones(4, dtype=torch.float64)
    value = losses.rmu(hidden, control)

    torch.testing.assert_close(value, ((hidden - 1) ** 2).sum(-1) / 4)
    torch.testing.assert_close(gradient(value, hidden), (hidden.detach() - 1) / 2)
    assert (losses.rmu(hidden, hidden) == 0).all()
    with pytest.raises(ValueError, match="target has shape"):
        losses.rmu(hidden, control[:3])


def test_dual_variable_grows_while_the_constraint_is_violated() -> None:
    alpha = 0.0
    history = [
        alpha := losses.dual_ascent(alpha, r, epsilon=0.5, eta=2.0)
        for r in (1.0, 0.75, 0.5, 0.25, 0.0)
    ]

    assert history == [1.0, 1.5, 1.5, 1.0, 0.0]
    assert losses.dual_ascent(0.1, 0.0, epsilon=0.5) == 0.0
    with pytest.raises(ValueError, match="retain_loss must be finite"):
        losses.dual_ascent(0.1, math.nan, epsilon=0.5)
