"""Scores that a benchmark hands over by mistake are refused before they are stored."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pytest

from suite import Benchmark, ItemScore, Metric, Scores
from suite.core.errors import PluginError
from suite.score.checks import checked


class Mine:
    """What is checked of a benchmark."""

    name = "mine"
    primary = ("quality",)
    trains = "model"
    best_by: str | None = None
    reference_point: ClassVar[dict[str, float]] = {}
    compare = Benchmark.compare


BENCH = Mine()
GOOD = Metric("quality", 0.5, True)


def item(name: str, cluster: Any, value: Any = 0.5) -> ItemScore:
    return ItemScore("quality", "forget", name, cluster, value)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (None, "its scores must be a Scores, not None"),
        (Scores, "its scores must be a Scores, not <class"),
        (Scores([], [0.5]), "Scores.metrics must hold Metric, not 0.5"),  # type: ignore[list-item]
        (Scores(None, [GOOD]), "Scores.items must be a list, not None"),  # type: ignore[arg-type]
        (Scores([], [Metric("qualty", 0.5, True)]), "headline metric 'quality'; is 'qualty' meant"),
        (Scores([], [GOOD, GOOD]), "metric 'quality' is given twice"),
        (Scores([], [Metric("quality", math.nan, True)]), "must be a finite number or None"),
        (Scores([], [Metric("quality", "1", True)]), "must be a finite number or None, not '1'"),  # type: ignore[arg-type]
        (
            Scores([item("forget/1", "a")] * 2, [GOOD]),
            "'quality' of item 'forget/1' of 'forget' is",
        ),
        (Scores([item("forget/1", "a", math.inf)], [GOOD]), "of item 'forget/1' must be a finite"),
        (Scores([item("", "a")], [GOOD]), "an item's id must be a text, not ''"),
    ],
)
def test_mistakes_are_refused(scores: Any, said: str) -> None:
    with pytest.raises(PluginError, match=f"^benchmark 'mine': .*{said}"):
        checked(BENCH, scores)


@pytest.mark.parametrize("none", ["", None])
def test_an_item_without_a_cluster_is_one_of_its_own(none: Any) -> None:
    found = checked(BENCH, Scores([item("f/1", none), item("f/2", none), item("f/3", "a")], [GOOD]))
    assert [each.cluster_id for each in found.items] == ["f/1", "f/2", "a"]


@pytest.mark.parametrize(
    ("attribute", "value"), [("best_by", "qualities"), ("reference_point", {"qualities": 0.0})]
)
def test_a_misspelt_metric_of_the_class_is_refused(attribute: str, value: Any) -> None:
    bench = Mine()
    setattr(bench, attribute, value)
    said = f"lack the metric of {attribute} 'qualities'; is 'quality' meant"
    with pytest.raises(PluginError, match=said):
        checked(bench, Scores([], [GOOD]))
