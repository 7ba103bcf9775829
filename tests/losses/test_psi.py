"""Psi-PO on a finite set of answers, where every optimum is known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from suite import losses

K = 4
REWARD = torch.tensor([1.2, 0.1, -0.4, -1.3], dtype=torch.float64)
REFERENCE = torch.tensor([0.1, 0.4, 0.2, 0.3], dtype=torch.float64)
BEHAVIOUR = torch.tensor([0.35, 0.15, 0.25, 0.25], dtype=torch.float64)
BRADLEY_TERRY = torch.sigmoid(REWARD[:, None] - REWARD)
SKEW = torch.tensor(
    [[0.5, 0.9, 0.2, 0.6], [0.1, 0.5, 0.8, 0.3], [0.8, 0.2, 0.5, 0.7], [0.4, 0.7, 0.3, 0.5]],
    dtype=torch.float64,
)
"""Preferences that no reward explains (the first three answers beat each other in a circle)."""

FIRST, SECOND = (
    index.flatten() for index in torch.meshgrid(torch.arange(K), torch.arange(K), indexing="ij")
)
WEIGHT = BEHAVIOUR[FIRST] * BEHAVIOUR[SECOND]
"""Probability of drawing the pair (FIRST, SECOND), (K * K,)."""

Objective = Callable[[torch.Tensor], torch.Tensor]


def on_pairs(
    loss: Callable[..., torch.Tensor], theta: torch.Tensor, *more: torch.Tensor, **settings: float
) -> torch.Tensor:
    """The loss of the policy softmax(theta) with FIRST as chosen and SECOND as rejected.

    Shape: (K * K,).
    """
    logps, ref = theta.log_softmax(-1), REFERENCE.log()
    return loss(logps[FIRST], logps[SECOND], ref[FIRST], ref[SECOND], *more, **settings)


def minimise(objective: Objective, size: int = K) -> torch.Tensor:
    """Return the policy softmax(theta) that minimises the objective."""
    theta = torch.zeros(size, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS(
        [theta],
        max_iter=500,
        tolerance_grad=1e-13,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> torch.Tensor:
        solver.zero_grad()
        value = objective(theta)
        value.backward()
        return value

    solver.step(closure)
    return theta.detach().softmax(-1)


def population(psi: losses.Divergence | str, preferences: torch.Tensor, tau: float) -> Objective:
    expected = losses.expected_psi(preferences, BEHAVIOUR, psi)
    return lambda theta: (
        WEIGHT * on_pairs(losses.psipo, theta, expected[FIRST], expected[SECOND], tau=tau)
    ).sum()


def sampled(
    loss: Callable[..., torch.Tensor], preferences: torch.Tensor, **settings: float
) -> Objective:
    """Expectation over two draws and a label:
    all pairs in both orders, weighted by how often so labelled.
    """
    label = preferences[FIRST, SECOND]
    return lambda theta: 2 * (WEIGHT * label * on_pairs(loss, theta, **settings)).sum()


@pytest.mark.parametrize("tau", [0.3, 1.0, 4.0])
@pytest.mark.parametrize(
    "psi", ["identity", "logit", lambda p: p**3, lambda p: 2 * p + torch.log(p)]
)
@pytest.mark.parametrize("preferences", [BRADLEY_TERRY, SKEW], ids=["bradley-terry", "circle"])
def test_optimum_is_the_tilted_reference(
    psi: losses.Divergence | str, tau: float, preferences: torch.Tensor
) -> None:
    """pi* ~ pi_ref exp(E Psi / tau)."""
    tilted = REFERENCE * torch.exp(losses.expected_psi(preferences, BEHAVIOUR, psi) / tau)

    torch.testing.assert_close(
        minimise(population(psi, preferences, tau)), tilted / tilted.sum(), rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_logit_under_bradley_terry_is_dpo_and_rlhf(beta: float) -> None:
    rlhf = REFERENCE * torch.exp(REWARD / beta)
    rlhf /= rlhf.sum()

    torch.testing.assert_close(
        minimise(population("logit", BRADLEY_TERRY, beta)), rlhf, rtol=1e-6, atol=1e-9
    )
    torch.testing.assert_close(
        minimise(sampled(losses.dpo, BRADLEY_TERRY, beta=beta)), rlhf, rtol=1e-5, atol=1e-8
    )


@pytest.mark.parametrize("preferences", [BRADLEY_TERRY, SKEW], ids=["bradley-terry", "circle"])
def test_identity_is_what_ipo_expects(preferences: torch.Tensor) -> None:
    """IPO's expectation over labels is the population loss up to a constant, so their gradients are
    equal.
    """
    tau = 0.6
    exact, drawn = (
        population("identity", preferences, tau),
        sampled(losses.ipo, preferences, tau=tau),
    )
    thetas = torch.randn(
        3, K, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    ).unbind()
    constants = torch.stack([exact(theta) - drawn(theta) for theta in thetas])

    torch.testing.assert_close(constants, constants[:1].expand(3), rtol=1e-12, atol=1e-12)
    for theta in thetas:
        theta.requires_grad_()
        (a,), (b,) = (torch.autograd.grad(f(theta), theta) for f in (exact, drawn))
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_ipo_averages_the_label_and_its_opposite() -> None:
    """1/2 [(h - 1/tau)^2 + h^2] = (h - 1/(2 tau))^2 + 1/(4 tau^2)."""
    h, zero, tau = (
        torch.linspace(-20, 20, 41, dtype=torch.float64),
        torch.zeros(41, dtype=torch.float64),
        0.3,
    )
    symmetrised = ((h - 1 / tau) ** 2 + h**2) / 2

    torch.testing.assert_close(
        losses.ipo(h, zero, zero, zero, tau=tau) + 1 / (4 * tau**2), symmetrised
    )


@pytest.mark.parametrize(
    ("tau", "published"), [(0.1, 0.993), (0.5, 0.731), (1.0, 0.622), (10.0, 0.512)]
)
def test_two_armed_bandit(tau: float, published: float) -> None:
    """One arm always wins, uniform reference: IPO stops at sigma(1 / (2 tau))."""
    uniform = torch.full((1,), math.log(0.5), dtype=torch.float64)

    def objective(theta: torch.Tensor) -> torch.Tensor:
        logps = theta.log_softmax(-1)
        return losses.ipo(logps[:1], logps[1:], uniform, uniform, tau=tau).sum()

    best = minimise(objective, 2)[0].item()
    assert best == pytest.approx(1 / (1 + math.exp(-0.5 / tau)), rel=1e-9)
    assert best == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize("tau", [0.5, 1.0, 5.0])
def test_three_armed_bandit_in_a_line(tau: float) -> None:
    """a > b, b > c, a > c with a uniform reference: (e^(2/3tau), e^(1/3tau), 1), normalised."""
    uniform = torch.full((3,), -math.log(3), dtype=torch.float64)

    def objective(theta: torch.Tensor) -> torch.Tensor:
        logps = theta.log_softmax(-1)
        return losses.ipo(logps[[0, 1, 0]], logps[[1, 2, 2]], uniform, uniform, tau=tau).sum()

    expected = torch.tensor([2 / (3 * tau), 1 / (3 * tau), 0], dtype=torch.float64).softmax(-1)
    torch.testing.assert_close(minimise(objective, 3), expected, rtol=1e-7, atol=1e-9)


def test_expected_psi_by_hand() -> None:
    expected = losses.expected_psi(SKEW, BEHAVIOUR)
    by_hand = [sum(BEHAVIOUR[j] * SKEW[i, j] for j in range(K)) for i in range(K)]

    torch.testing.assert_close(expected, torch.stack(by_hand))
    centred = REWARD - (BEHAVIOUR * REWARD).sum()
    torch.testing.assert_close(losses.expected_psi(BRADLEY_TERRY, BEHAVIOUR, "logit"), centred)


def test_logit_refuses_certain_preferences() -> None:
    certain = torch.tensor([[0.5, 1.0], [0.0, 0.5]], dtype=torch.float64)
    half = torch.tensor([0.5, 0.5], dtype=torch.float64)

    torch.testing.assert_close(
        losses.expected_psi(certain, half), torch.tensor([0.75, 0.25], dtype=torch.float64)
    )
    with pytest.raises(ValueError, match="psi is infinite"):
        losses.expected_psi(certain, half, "logit")


def test_a_match_that_is_never_played_does_not_count() -> None:
    """The second answer always beats the third, but only the first is ever an opponent."""
    preferences = torch.tensor(
        [[0.5, 0.4, 0.3], [0.6, 0.5, 1.0], [0.7, 0.0, 0.5]], dtype=torch.float64
    )
    only_first = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)

    torch.testing.assert_close(
        losses.expected_psi(preferences, only_first, "logit"), preferences[:, 0].logit()
    )
