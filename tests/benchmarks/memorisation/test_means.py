"""Means of item scores, and the distance to a retrain model, worked out by hand."""

from __future__ import annotations

import pytest
from suite_benchmarks.memorisation.means import harmonic, mean, select
from suite_benchmarks.memorisation.quality import forget_quality

from suite import ItemScore


def scores(values, set_name="forget", metric="m"):
    return [
        ItemScore(metric, set_name, f"{set_name}/{i}", f"c{i // 2}", value, "" if value else "why")
        for i, value in enumerate(values)
    ]


def test_a_mean_has_a_value_only_if_every_item_has_one():
    found = mean("m", scores([0.2, 0.4, 0.6, 0.8]), True)
    assert (found.value, found.n, found.n_clusters) == (pytest.approx(0.5), 4, 2)
    lacking = mean("m", scores([0.2, None]), True)
    assert (lacking.value, lacking.n) == (None, 2)
    assert lacking.note == "1 of 2 items have no value, the first forget/1 (why)"


def test_a_harmonic_mean_is_that_of_the_parts_means():
    parts = {"a": scores([0.5, 0.5]), "b": scores([0.25, 0.25], "retain")}
    assert harmonic("u", parts).value == pytest.approx(2 / (1 / 0.5 + 1 / 0.25))
    parts["b"] = scores([None, 0.25])
    assert harmonic("u", parts).value is None
    assert harmonic("u", parts).note.startswith("b: 1 of 2 items have no value")


def test_scores_are_selected_by_set_and_metric():
    every = [*scores([1.0]), *scores([2.0], "retain"), *scores([3.0], metric="other")]
    assert [score.value for score in select(every, "forget", "m")] == [1.0]


def test_the_distance_is_the_largest_gap_between_two_distributions():
    own, retrain = scores([1.0, 2.0, 3.0, 4.0]), scores([3.5, 4.5, 5.5, 6.5])
    found = {metric.name: metric for metric in forget_quality(own, [retrain], "cluster")}
    assert set(found) == {
        "forget_quality", "forget_quality_D", "forget_quality_log10p", "forget_quality_cluster_p",
    }  # fmt: skip
    assert found["forget_quality_D"].value == pytest.approx(0.75)
    none = forget_quality(own, [], "cluster")
    assert {(metric.value, metric.note) for metric in none} == {(None, "no retrain model")}
