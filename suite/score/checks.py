"""What a benchmark, or an attack, hands over as scores is checked before it is stored.

A mistake here would else show in the report, after every model was trained, or in no place at all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from suite.api.attack import Attack
from suite.api.benchmark import Benchmark
from suite.api.scores import CurvePoint, ItemScore, Metric, Scores
from suite.core.errors import PluginError, nearest


def checked(benchmark: Any, scores: Any) -> Scores:
    """The scores, with a cluster for every item; PluginError: the first thing that is wrong.

    An item without a cluster is a cluster of its own: items that share the empty name would count
    as one.
    """
    if not isinstance(scores, Scores):
        raise wrong(benchmark, f"its scores must be a Scores, not {scores!r:.80}")
    for name, kind in (("items", ItemScore), ("metrics", Metric), ("curve", CurvePoint)):
        _check_kind(benchmark, name, getattr(scores, name), kind)
    _check_metrics(benchmark, scores.metrics)
    _check_items(benchmark, scores.items)
    for point in scores.curve:
        for name, value in point.metrics.items():
            _check_number(benchmark, f"the curve's {name!r} at step {point.step}", value)
    items = [
        item if item.cluster_id else replace(item, cluster_id=item.item_id) for item in scores.items
    ]
    return replace(scores, items=items)


def _check_kind(benchmark: Any, name: str, given: Any, kind: type[Any]) -> None:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise wrong(benchmark, f"Scores.{name} must be a list, not {given!r:.80}")
    for each in given:
        if not isinstance(each, kind):
            raise wrong(benchmark, f"Scores.{name} must hold {kind.__name__}, not {each!r:.80}")


def _check_metrics(benchmark: Any, metrics: Sequence[Metric]) -> None:
    """Names that are doubled, headline metrics that are missing, values that are no numbers."""
    names = [metric.name for metric in metrics]
    for name in _doubled(names):
        raise wrong(benchmark, f"metric {name!r} is given twice")
    _check_headlines(benchmark, names)
    for metric in metrics:
        _check_number(benchmark, f"metric {metric.name!r}", metric.value)
        _check_number(benchmark, f"ci_low of metric {metric.name!r}", metric.ci_low)
        _check_number(benchmark, f"ci_high of metric {metric.name!r}", metric.ci_high)


def _check_headlines(benchmark: Any, names: Sequence[str]) -> None:
    """Every metric that the class names must be there, but where a benchmark derives some from all
    cells (`compare`), has others on each problem, or runs tasks that name their own."""
    if isinstance(benchmark, Attack):
        if benchmark.metric not in names:
            raise wrong(benchmark, f"its scores lack its metric {benchmark.metric!r}")
        return
    if benchmark.trains != "model" or type(benchmark).compare is not Benchmark.compare:
        return
    named = [(name, "the headline metric") for name in benchmark.primary]
    named += [(name, "the metric of reference_point") for name in benchmark.reference_point]
    if benchmark.best_by is not None:
        named.append((benchmark.best_by, "the metric of best_by"))
    for name, what in named:
        if name not in names:
            near = nearest(name, list(names))
            hint = f"; is {near!r} meant?" if near else f"; there are {', '.join(names) or 'none'}"
            raise wrong(benchmark, f"its scores lack {what} {name!r}{hint}")


def _check_items(benchmark: Any, items: Sequence[ItemScore]) -> None:
    """Items that are scored twice, or lie in two clusters, and values that are no numbers."""
    clusters: dict[str, str] = {}
    for item in items:
        if not (isinstance(item.item_id, str) and item.item_id):
            raise wrong(benchmark, f"an item's id must be a text, not {item.item_id!r}")
        if not isinstance(item.cluster_id, str | None):
            raise wrong(benchmark, f"cluster_id of {item.item_id!r} must be a text")
        _check_number(benchmark, f"{item.metric!r} of item {item.item_id!r}", item.value)
        if clusters.setdefault(item.item_id, item.cluster_id) != item.cluster_id:
            raise wrong(benchmark, f"item {item.item_id!r} lies in two clusters")
    for metric, part, name in _doubled((i.metric, i.set, i.item_id) for i in items):
        raise wrong(benchmark, f"{metric!r} of item {name!r} of {part!r} is given twice")


def _check_number(benchmark: Any, what: str, value: Any) -> None:
    """None is a missing value; a finite number of Python's or numpy's is one that JSON can hold."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (number and math.isfinite(value)):
        raise wrong(benchmark, f"{what} must be a finite number or None, not {value!r:.80}")


def _doubled(names: Iterable[Any]) -> list[Any]:
    return [name for name, count in Counter(names).items() if count > 1]


def wrong(benchmark: Any, problem: str) -> PluginError:
    """The error of the scores of a benchmark, or of an attack that scores answers itself."""
    kind = "attack" if isinstance(benchmark, Attack) else "benchmark"
    return PluginError(type(benchmark), f"{kind} {benchmark.name!r}: {problem}")
