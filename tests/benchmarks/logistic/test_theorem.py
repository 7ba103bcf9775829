"""Theorem 2 of NPO on a small run: which law holds, and with the constant that its derivation
gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from suite_benchmarks.logistic import theorem
from suite_benchmarks.logistic.settings import LogisticConfig

from suite import Scores
from suite.api.method import Method
from suite.core.progress import Silent

Make = Callable[..., Method[Any]]
CONFIG = LogisticConfig(steps=400, repeats=2, betas=(0.5,))


def values(scores: Scores) -> dict[str, float | None]:
    return {metric.name: metric.value for metric in scores.metrics}


@pytest.fixture(scope="module")
def ga(make: Make) -> Scores:
    return theorem.measure(make("ga"), CONFIG, 0, Silent())


@pytest.fixture(scope="module")
def npo(make: Make) -> Scores:
    return theorem.measure(make("npo", beta=1.0), CONFIG, 0, Silent())


def test_ga_is_linear_and_not_logarithmic(ga: Scores) -> None:
    found = values(ga)
    assert found["linear_r2"] > 0.999
    assert found["log_r2"] < 0.95
    assert found["linear_slope_ratio"] == pytest.approx(1, abs=0.25)
    assert "log_slope_ratio" not in found  # GA has no beta


@pytest.mark.parametrize("ending", ["", "/beta=0.5"])
def test_npo_is_logarithmic_and_not_linear(npo: Scores, ending: str) -> None:
    found = values(npo)
    assert found[f"log_r2{ending}"] > 0.99
    assert found[f"linear_r2{ending}"] < 0.95
    assert found[f"log_slope_ratio{ending}"] == pytest.approx(
        1, abs=0.4
    )  # 1 is the limit of many steps


def test_npo_stays_nearer_than_ga_and_a_larger_beta_nearer_still(ga: Scores, npo: Scores) -> None:
    own = values(npo)["distance"]
    assert own < 0.8 * values(npo)["distance/beta=0.5"] < 0.5 * values(ga)["distance"]


def test_items_and_curves_hold_every_run(ga: Scores, npo: Scores) -> None:
    assert {(item.metric, item.item_id) for item in ga.items} >= {
        ("log_r2", "repeat0"),
        ("log_r2", "repeat1"),
    }
    lines = {tuple(name.split("/")[1:]) for name in npo.curve[0].metrics}
    assert lines == {(f"problem_{i}", beta) for i in (0, 1) for beta in ("beta=1", "beta=0.5")}
    assert (npo.curve[0].step, npo.curve[-1].step) == (1, 400)
    assert set(npo.curve[-1].metrics.values()) == {1.0}
    half = next(point for point in ga.curve if point.step >= 200)
    share = half.metrics["distance_over_the_last/problem_0/no beta"]
    assert share == pytest.approx(half.step / 400, abs=0.03)  # a straight line


def test_the_same_seed_gives_the_same_scores_and_another_seed_others(
    make: Make, ga: Scores
) -> None:
    assert theorem.measure(make("ga"), CONFIG, 0, Silent()) == ga
    assert (
        values(theorem.measure(make("ga"), CONFIG, 1, Silent()))["distance"]
        != values(ga)["distance"]
    )


def test_distance_is_the_norm_of_x_transpose_x() -> None:
    forget, start = theorem.problem(0, 0)
    weights = start + torch.randn(3, len(start), dtype=torch.float64)
    metric = forget.inputs.T @ forget.inputs
    expected = torch.stack([((w - start) @ metric @ (w - start)).sqrt() for w in weights])
    torch.testing.assert_close(theorem.distances(forget.inputs, weights, start), expected)


def test_the_inputs_are_nearly_orthogonal_and_the_labels_the_starting_models() -> None:
    forget, start = theorem.problem(0, 0)
    gram = forget.inputs @ forget.inputs.T / theorem.LENGTH**2
    assert (gram - torch.eye(len(gram))).abs().max() < 0.15
    assert (forget.inputs @ start).std() == pytest.approx(1, abs=0.6)


def test_exact_laws_are_recognised() -> None:
    steps = np.unique(np.geomspace(1, 1000, 60).round())
    straight = theorem.laws(steps, 3.0 + 0.5 * steps, lr=1.0, beta=None)
    assert straight["linear_r2"] == pytest.approx(1)
    assert straight["linear_slope"] == pytest.approx(0.5)
    root = theorem.N_FORGET**0.5
    curved = theorem.laws(steps, 7.0 + root / 0.1 * np.log(steps), lr=1.0, beta=0.1)
    assert curved["log_r2"] == pytest.approx(1)
    assert curved["log_slope_ratio"] == pytest.approx(1)
    assert curved["linear_r2"] == pytest.approx(straight["log_r2"])
