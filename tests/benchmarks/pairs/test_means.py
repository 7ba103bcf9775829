"""The accuracy that methods are ranked by: one question for all of them, ties half."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint
from suite_benchmarks.edit_distance import EditDistance
from suite_benchmarks.pairs import scores
from suite_benchmarks.pairs.data import item_of
from suite_benchmarks.pairs.means import summarise
from suite_benchmarks.preferences import Preferences

from suite import Message, Method, Metric, Pair, Response, TextBenchmark, TextScore
from suite.registry import Registry

Logps = list[tuple[float, float]]
"""Log-probability of the chosen and of the rejected answer, of each pair."""
METHODS = (None, "sft", "dpo", "dpop", "simpo", "slic", "kto")


@functools.cache
def method(name: str | None) -> Method[Any] | None:
    if name is None:
        return None
    cls = Registry.load().method(name)
    return cls(cls.Config())


def responses(logps: Logps) -> dict[str, Response]:
    found: dict[str, Response] = {}
    for place, (chosen, rejected) in enumerate(logps):
        for which, logp in (("chosen", chosen), ("rejected", rejected)):
            id = f"held_out/{place}/{which}"
            found[id] = TextScore(id, (logp,))
    return found


def metrics(policy: Logps, reference: Logps, trained: str | None = None) -> dict[str, Metric]:
    prompt = (Message("user", "Count."),)
    items = [
        item_of("held_out", Pair(str(i), prompt, "one", "two", str(i))) for i in range(len(policy))
    ]
    found = scores.item_scores(
        "held_out", items, responses(policy), responses(reference), method(trained)
    )
    made = summarise(found, {**scores.REWARDS, **scores.LIKELIHOODS})
    return {metric.name: metric for metric in made}


def test_the_ranked_accuracy_is_by_the_log_ratio_and_the_same_for_every_method() -> None:
    """Likelier and gained more; likelier and gained less; less likely and gained more."""
    policy, reference = (
        [(-1.0, -5.0), (-1.0, -2.0), (-6.0, -5.0)],
        [(-2.0, -4.0), (-1.0, -9.0), (-9.0, -5.0)],
    )
    for name in METHODS:
        found = metrics(policy, reference, name)
        assert found["log_ratio_accuracy"].value == pytest.approx(2 / 3)
        assert found["log_ratio_accuracy"].higher_is_better
    assert metrics(policy, reference)["logp_accuracy"].value == pytest.approx(2 / 3)


def test_a_reference_that_favours_the_chosen_answers_has_chance() -> None:
    """By SimPO's own reward, and by log-probability, it tells all pairs apart."""
    certain = [(-0.1, -9.0)] * 3
    found = metrics(certain, certain, "simpo")
    assert found["own_reward_accuracy"].value == found["logp_accuracy"].value == 1
    assert found["log_ratio_accuracy"].value == 0.5


def test_ties_of_log_ratios_count_half() -> None:
    """A right pair, a wrong one, two that move both answers alike, one that moves none."""
    policy = [(-1.0, -3.0), (-3.0, -1.0), (-3.0, -3.0), (-1.0, -1.0), (-2.0, -2.0)]
    metric = metrics(policy, [(-2.0, -2.0)] * 5)["log_ratio_accuracy"]
    assert (metric.value, metric.n) == (0.5, 5)
    assert metric.ci_low is not None and metric.ci_high is not None
    assert 0 <= metric.ci_low < 0.5 < metric.ci_high <= 1


def test_without_ties_the_interval_is_wilsons() -> None:
    policy = [(-1.0, -3.0), (-1.0, -3.0), (-3.0, -1.0)]
    metric = metrics(policy, [(-2.0, -2.0)] * 3)["log_ratio_accuracy"]
    assert (metric.ci_low, metric.ci_high) == pytest.approx(
        proportion_confint(2, 3, method="wilson"), abs=1e-12
    )


def test_what_a_method_defines_itself_is_ranked_nowhere() -> None:
    policy, reference = [(-1.0, -5.0), (-2.0, -1.0)], [(-2.0, -4.0), (-1.0, -2.0)]
    without = metrics(policy, reference)
    benchmarks: tuple[type[TextBenchmark[Any]], ...] = (Preferences, EditDistance)
    for name in ("dpop", "simpo"):
        found = metrics(policy, reference, name)
        own = {key for key, metric in found.items() if metric != without[key]}
        assert own == set(scores.REWARDS)
        assert {found[key].higher_is_better for key in own} == {None}
        for benchmark in benchmarks:
            assert own.isdisjoint(benchmark.primary)
            assert "log_ratio_accuracy" in benchmark.primary
