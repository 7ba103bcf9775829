"""The logistic policy against closed forms, and method plugins' gradients on it against formulas by
hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from suite_benchmarks.logistic.descent import descend
from suite_benchmarks.logistic.policy import (
    Labelled,
    LogisticModel,
    LogisticPolicy,
    unlearning_roles,
)
from torch import Tensor

from suite import UserError
from suite.api.method import Method

Make = Callable[..., Method[Any]]
Small = tuple[Labelled, Tensor]
AWAY = torch.tensor([0.3, -0.2, 0.1, 0.4, -0.5], dtype=torch.float64)
"""How far the policy is from the reference."""


def gradient(method: Method[Any], roles: Mapping[str, Labelled], weight: Tensor) -> Tensor:
    model = LogisticModel(weight)
    method.loss(LogisticPolicy(model), roles).loss.backward()  # type: ignore[no-untyped-call]
    assert model.weight.grad is not None
    return model.weight.grad


def residuals(rows: Labelled, weight: Tensor) -> Tensor:
    """d log p(label) / dw of each row, (N, d): (y - sigma(<w, x>)) x."""
    return (rows.targets - torch.sigmoid(rows.inputs @ weight))[:, None] * rows.inputs


def p_of(rows: Labelled, weight: Tensor) -> Tensor:
    return torch.sigmoid((2 * rows.targets - 1) * (rows.inputs @ weight))


def test_log_probabilities_are_those_of_binary_logistic_regression(small: Small) -> None:
    rows, start = small
    scored = LogisticPolicy(LogisticModel(start + AWAY))(rows)
    margin = rows.inputs @ (start + AWAY)
    expected = -F.binary_cross_entropy_with_logits(margin, rows.targets.double(), reduction="none")
    for logps in (scored.logps, scored.token_logps, scored.mean_logps):
        torch.testing.assert_close(logps, expected)
    torch.testing.assert_close(scored.logits.diff(dim=-1)[:, 0], margin)
    torch.testing.assert_close(rows.reference_logps, p_of(rows, start).log())


def test_reference_kl_is_that_of_two_bernoullis(small: Small) -> None:
    rows, start = small
    p, q = (torch.sigmoid(rows.inputs @ w) for w in (start, start + AWAY))
    expected = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
    torch.testing.assert_close(
        LogisticPolicy(LogisticModel(start + AWAY))(rows).reference_kl(), expected
    )
    assert LogisticPolicy(LogisticModel(start))(rows).reference_kl().abs().max() < 1e-15


def test_gradient_of_ga(small: Small, make: Make) -> None:
    rows, start = small
    found = gradient(make("ga"), {"forget": rows}, start + AWAY)
    torch.testing.assert_close(found, residuals(rows, start + AWAY).mean(0))


@pytest.mark.parametrize("beta", [0.1, 1.0, 10.0])
def test_gradient_of_npo_is_that_of_ga_weighted(small: Small, make: Make, beta: float) -> None:
    rows, start = small
    p, p_ref = p_of(rows, start + AWAY), p_of(rows, start)
    weights = 2 * p**beta / (p**beta + p_ref**beta)
    found = gradient(make("npo", beta=beta), {"forget": rows}, start + AWAY)
    torch.testing.assert_close(found, (weights[:, None] * residuals(rows, start + AWAY)).mean(0))


def test_i_do_not_know_is_the_uniform_distribution(small: Small, make: Make) -> None:
    """IDK-SFT's forget term is the cross-entropy to (1/2, 1/2), whose gradient is mean((sigma(z) -
    1/2) x)."""
    rows, start = small
    found = gradient(make("idk_sft", retain_weight=0), unlearning_roles(rows, rows), start)
    expected = ((torch.sigmoid(rows.inputs @ start) - 0.5)[:, None] * rows.inputs).mean(0)
    torch.testing.assert_close(found, expected)


def test_gradient_of_idk_dpo(small: Small, make: Make) -> None:
    """An alternate that is the forgotten label itself teaches nothing; one that is the other label
    has d h = -2 y' dz.

    With h the difference of log-ratios, the loss (2/beta) log(1 + e^(-beta h)) has the slope -2
    sigma(-beta h).
    """
    rows, start = small
    beta, signs = 0.7, 2 * rows.targets - 1
    h = -signs * (rows.inputs @ AWAY)  # log p(other) - log p(own) is -<w, x> for y = 1
    slope = -2 * torch.sigmoid(-beta * h) * -signs
    found = gradient(
        make("idk_dpo", beta=beta, retain_weight=0), unlearning_roles(rows, rows), start + AWAY
    )
    torch.testing.assert_close(found, (slope[:, None] * rows.inputs).sum(0) / (2 * len(signs)))


def test_twice_every_forget_row_changes_no_gradient(small: Small, make: Make) -> None:
    rows, start = small
    twice = unlearning_roles(rows, rows)
    for name in ("ga", "npo"):
        once = gradient(make(name), {"forget": rows}, start + AWAY)
        torch.testing.assert_close(gradient(make(name), twice, start + AWAY), once)


def test_descent_is_plain_gradient_descent(small: Small, make: Make) -> None:
    rows, start = small
    weights = descend(make("ga"), start, {"forget": rows}, lr=0.3, at=[0, 2])
    assert torch.equal(weights[0], start)
    by_hand = start.clone()
    for _ in range(2):
        by_hand -= 0.3 * residuals(rows, by_hand).mean(0)
    torch.testing.assert_close(weights[1], by_hand)


def test_what_a_method_delivers_is_measured(small: Small, make: Make) -> None:
    """A task vector learns the forget rows and delivers the opposite way: the same first step as
    GA."""
    rows, start = small
    task = descend(make("task_vector"), start, {"forget": rows}, lr=0.3, at=[1, 2])
    ascent = descend(make("ga"), start, {"forget": rows}, lr=0.3, at=[1, 2])
    torch.testing.assert_close(task[0], ascent[0])
    assert not torch.allclose(task[1], ascent[1])


@pytest.mark.parametrize(
    ("name", "reason"), [("npo_rt", "needs retain"), ("rmu", "needs a language model")]
)
def test_a_method_that_cannot_run_is_refused_in_one_line(
    small: Small, make: Make, name: str, reason: str
) -> None:
    rows, start = small
    roles = {"forget": rows} if name == "npo_rt" else unlearning_roles(rows, rows)
    with pytest.raises(UserError, match=reason):
        descend(make(name), start, roles, lr=0.3, at=[1])


def test_a_loss_of_the_wrong_shape_is_refused(small: Small) -> None:
    rows, _ = small
    with pytest.raises(ValueError, match=r"shape \(\), expected \(7,\)"):
        rows.mean(torch.tensor(1.0))
