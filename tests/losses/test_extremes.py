"""Whatever log-probabilities a training run can meet: finite losses, finite gradients, in fp32."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import CASES

from suite import losses
from suite.losses.numerics import EXP_LIMIT, log1mexp, log_odds, tangent_exp

SUMS = st.one_of(st.floats(-1e4, 0, width=32), st.sampled_from([-1e4, -1e-30, -1e-7, -0.0]))
MEANS = st.one_of(
    st.floats(-1e4, 0, width=32),
    st.floats(-(2.0**-20), 0, width=32),
    st.sampled_from([0.0, 1e-7, -1e-30]),
)
STRATEGY = {"sum": SUMS, "mean": MEANS, "reward": st.floats(-1e4, 1e4, width=32)}


@pytest.mark.parametrize("name", CASES)
@given(data=st.data(), rows=st.integers(1, 4))
@settings(max_examples=40)
def test_finite(name: str, data: st.DataObject, rows: int) -> None:
    case = CASES[name]
    args = [
        torch.tensor(
            data.draw(st.lists(STRATEGY[kind], min_size=rows, max_size=rows))
        ).requires_grad_()
        for kind in case.kinds
    ]

    value = case(*args)
    gradients = torch.autograd.grad(value.sum(), args)

    assert value.shape == (rows,)
    assert value.isfinite().all()
    assert all(g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("name", CASES)
def test_finite_when_all_is_lost(name: str) -> None:
    """Every combination of the two ends: log-ratios of +-10,000 nats on either side."""
    case = CASES[name]
    ends = torch.cartesian_prod(*[torch.tensor([-1e4, 0.0])] * len(case.kinds)).reshape(
        -1, len(case.kinds)
    )
    args = [column.clone().requires_grad_() for column in ends.T]

    value = case(*args)

    assert value.isfinite().all()
    assert all(g.isfinite().all() for g in torch.autograd.grad(value.sum(), args))


def test_discopop_keeps_its_gradient_far_on_the_wrong_side() -> None:
    """Computed apart, the two factors of its second part are inf and 0."""
    lw, zero = torch.tensor([-1e4]).requires_grad_(), torch.zeros(1)
    value = losses.discopop(lw, zero, zero, zero, beta=0.1, tau=0.05)

    assert value.item() == pytest.approx(1e3)
    assert torch.autograd.grad(value, lw)[0].item() == pytest.approx(-0.1)


@pytest.mark.parametrize("logratio", [-31.0, -200.0, -1e4])
def test_forward_kl_still_pulls_beyond_the_limit(logratio: float) -> None:
    at = torch.tensor([logratio]).requires_grad_()
    (slope,) = torch.autograd.grad(losses.forward_kl(at).sum(), at)

    assert slope.item() == pytest.approx(math.exp(EXP_LIMIT), rel=1e-5)


def test_tangent_exp_is_exp_up_to_its_limit() -> None:
    x = torch.linspace(-40, EXP_LIMIT, 71, dtype=torch.float64)
    assert torch.equal(tangent_exp(x), x.exp())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log1mexp_to_the_last_digits(dtype: torch.dtype) -> None:
    """Against Python's expm1 and log1p in double, on both branches."""
    exponents = torch.linspace(-6.5, 1.9, 85, dtype=torch.float64)
    x = -(10**exponents).to(dtype)
    exact = [
        math.log(-math.expm1(v)) if v > -1 else math.log1p(-math.exp(v))
        for v in x.double().tolist()
    ]

    relative = 1e-6 if dtype == torch.float32 else 1e-13
    assert log1mexp(x).tolist() == pytest.approx(exact, rel=relative, abs=1e-38)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log1mexp_goes_on_straight_where_one_minus_p_is_lost(dtype: torch.dtype) -> None:
    eps = torch.finfo(dtype).eps
    x = torch.tensor([-eps, -eps / 2, 0.0, eps], dtype=dtype).requires_grad_()
    value = log1mexp(x)
    (slope,) = torch.autograd.grad(value.sum(), x)

    assert value[0].item() == pytest.approx(math.log(eps), rel=1e-6)
    assert (value.detach().diff() < 0).all()
    assert slope.tolist() == pytest.approx([-1 / eps] * 4, rel=1e-5)


def test_orpo_pushes_a_certain_rejected_answer_down() -> None:
    """Length-1 answers of probability 1:
    the loss is finite, and its gradient still tells the two apart.
    """
    lw, ll = torch.tensor([-0.5]).requires_grad_(), torch.tensor([0.0]).requires_grad_()
    value = losses.orpo(lw, ll)
    d_w, d_l = torch.autograd.grad(value.sum(), (lw, ll))

    assert value.isfinite().all()
    assert d_w < 0 < d_l
    assert log_odds(torch.zeros(1)).isfinite().all()
