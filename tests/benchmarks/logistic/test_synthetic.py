"""The synthetic problem: its data, its networks, its distances, and what the paper found, on short
runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from suite_benchmarks.logistic import synthetic
from suite_benchmarks.logistic.settings import LogisticConfig
from suite_benchmarks.logistic.summaries import items_of, median

from suite import Scores
from suite.api.method import Method
from suite.core.progress import Silent

Make = Callable[..., Method[Any]]
CONFIG = LogisticConfig(steps=300, fit_steps=2000, repeats=2)


def values(scores: Scores) -> dict[str, float | None]:
    return {metric.name: metric.value for metric in scores.metrics}


@pytest.fixture(scope="module")
def problem() -> synthetic.Problem:
    return synthetic.problem(1.0, 2000, 0, 0)


def test_labels_follow_the_logistic_law() -> None:
    """The label's mean given u is sigma(u + 1) to forget, sigma(-u - 1) to retain: they mirror each
    other."""
    random = torch.Generator().manual_seed(0)
    for sign in (1, -1):
        inputs, labels = synthetic.draw(40_000, 2.0, sign, random)
        assert inputs.mean() == pytest.approx(2.0 * sign, abs=0.01)
        noise = inputs - 2.0 * sign
        assert noise.std() == pytest.approx(1, abs=0.01)
        u = noise.sum(1) / math.sqrt(synthetic.DIMENSION)
        for low in (-2.0, -1.0, 0.0, 1.0):
            inside = (u >= low) & (u < low + 1)
            expected = torch.sigmoid(sign * (u[inside] + 1)).mean().item()
            assert labels[inside].double().mean().item() == pytest.approx(expected, abs=0.03)


def test_the_fit_is_gradient_descent_towards_the_minimum() -> None:
    """One feature that is always 1: the optimum is the log-odds of the labels."""
    labels = torch.tensor([1, 1, 1, 0])
    weight = synthetic.fit(torch.ones(4, 1, dtype=torch.float64), labels, 5000)
    assert weight.item() == pytest.approx(math.log(3), abs=1e-6)
    once = synthetic.fit(torch.ones(4, 1, dtype=torch.float64), labels, 1)
    assert once.item() == pytest.approx(synthetic.FIT_LR * 0.25)


def test_retraining_is_at_distance_zero_and_no_other_network_is(problem: synthetic.Problem) -> None:
    both = torch.stack([problem.retrain, problem.start])
    for features in problem.fresh.values():
        distance = synthetic.kl(features, problem.retrain, both)
        assert abs(distance[0]) < 1e-15
        assert distance[1] > 1e-4


def test_kl_is_that_of_two_bernoullis(problem: synthetic.Problem) -> None:
    features = problem.fresh["forget_distance"]
    p, q = (torch.sigmoid(features @ w) for w in (problem.retrain, problem.start))
    expected = (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean()
    torch.testing.assert_close(
        synthetic.kl(features, problem.retrain, problem.start[None])[0], expected
    )


def test_what_was_fitted_knows_the_forget_labels_and_retraining_does_not(
    problem: synthetic.Problem,
) -> None:
    forget = problem.roles["forget"]
    signs = 2 * forget.targets - 1
    fitted, retrained = (
        torch.sigmoid(signs * (forget.inputs @ w)).mean() for w in (problem.start, problem.retrain)
    )
    assert fitted > retrained + 0.2


def test_npo_rt_forgets_and_keeps_more_of_what_is_retained_than_npo(make: Make) -> None:
    npo, npo_rt = (
        values(synthetic.measure(make(n, beta=1.0), CONFIG, 0, Silent())) for n in ("npo", "npo_rt")
    )
    start = synthetic.measure(make("ga"), CONFIG, 0, Silent()).curve[0].metrics
    assert npo_rt["forget_distance"] < 0.2 * start["forget_distance"]
    assert npo_rt["retain_distance"] < npo["retain_distance"]
    assert npo_rt["hypervolume"] > npo["hypervolume"]


def test_the_curve_is_measured_every_25_steps_and_ends_in_the_metrics(make: Make) -> None:
    scores = synthetic.measure(make("ga"), CONFIG, 0, Silent())
    assert [point.step for point in scores.curve] == list(range(0, 301, 25))
    for name in ("forget_distance", "retain_distance"):
        assert scores.curve[-1].metrics[name] == pytest.approx(values(scores)[name])
    assert synthetic.measure(make("ga"), CONFIG, 0, Silent()) == scores


def test_hypervolume_of_known_paths() -> None:
    def path(*points: tuple[float, float]) -> dict[str, torch.Tensor]:
        forget, retain = zip(*points, strict=True)
        return {"forget_distance": torch.tensor(forget), "retain_distance": torch.tensor(retain)}

    assert synthetic.covered(path((2.0, 0.5))) == 0
    assert synthetic.covered(path((2.0, 0.0), (0.0, 0.0))) == 1
    assert synthetic.covered(path((2.0, 0.0), (1.0, 1.0))) == pytest.approx(0.25)
    assert synthetic.covered(path((2.0, 0.0), (1.0, 1.0), (0.5, 1.5))) == pytest.approx(
        0.25 + 0.5 * 0.25 * 0.5
    )


def test_a_path_that_leads_away_is_not_forgotten() -> None:
    def path(*forget: float) -> dict[str, torch.Tensor]:
        return {
            "forget_distance": torch.tensor(forget),
            "retain_distance": torch.zeros(len(forget)),
        }

    items = [
        *items_of(0, synthetic.outcome(path(1.0, 0.1))),
        *items_of(1, synthetic.outcome(path(1.0, 9.0))),
    ]
    items += items_of(2, synthetic.outcome(path(1.0, 0.3)))
    found = {m.name: m for m in synthetic.metrics_of(items)}
    assert found["forget_distance"].value == pytest.approx(0.3)
    assert found["forget_distance_mean"].value == pytest.approx(9.4 / 3)
    assert found["forgotten"].value == pytest.approx(2 / 3)
    assert found["forget_distance"].ci_low is None
    assert found["forget_distance"].note


def test_six_repeats_give_the_median_an_interval() -> None:
    """The smallest and the largest of n values hold the median with probability 1 - 2 / 2^n: 97 %
    for six."""
    found = median("x", [3.0, 1.0, 2.0, 6.0, 5.0, 4.0], better=False)
    assert (found.value, found.ci_low, found.ci_high) == (3.5, 1.0, 6.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alpha", "level"), [(0.0, {"npo_rt"}), (1.0, {"npo_rt", "idk_dpo", "grad_diff"})]
)
def test_npo_rt_has_the_best_front_at_full_length(
    make: Make, alpha: float, level: set[str]
) -> None:
    """The paper's figure in the first problem; at alpha = 1 DPO+RT and GA+RT pass almost as near to
    retraining."""
    config = LogisticConfig(alpha=alpha, repeats=1)
    covered = {}
    for name in ("ga", "grad_diff", "idk_sft", "idk_dpo", "npo", "npo_rt"):
        settings = {"beta": config.beta(name)} if name in ("npo", "npo_rt", "idk_dpo") else {}
        covered[name] = (
            values(synthetic.measure(make(name, **settings), config, 0, Silent()))["hypervolume"]
            or 0.0
        )
    assert {name for name, share in covered.items() if share > covered["npo_rt"] - 0.005} == level
