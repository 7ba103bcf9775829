"""Summaries over repeats, each of which is a random problem of its own."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from suite import ItemScore, Metric, stats
from suite.stats import Interval


def items_of(repeat: int, values: Mapping[str, float]) -> list[ItemScore]:
    """What one repeat measured, by metric."""
    return [
        ItemScore(name, "repeats", f"repeat{repeat}", f"repeat{repeat}", value)
        for name, value in values.items()
    ]


def by_metric(items: Sequence[ItemScore]) -> dict[str, list[float]]:
    """The repeats' values of each metric."""
    values: dict[str, list[float]] = {}
    for item in items:
        assert item.value is not None, "every repeat measures everything"
        values.setdefault(item.metric, []).append(item.value)
    return values


def mean(name: str, values: Sequence[float]) -> Metric:
    """Mean with its t interval; R2 stays in 0..1."""
    bounds = (0.0, 1.0) if name.endswith("_r2") else None
    return _metric(name, stats.mean_interval_t(values, bounds=bounds), None)


def median(name: str, values: Sequence[float], better: bool) -> Metric:
    """Median with the interval of order statistics, for which there must be six values.

    `better`: whether a higher value is better.
    """
    from scipy.stats import quantile_test

    limits: Any = quantile_test(values, p=0.5).confidence_interval(0.95)
    n, middle = len(values), statistics.median(values)
    if math.isnan(limits.low) or math.isnan(limits.high):
        found = Interval(middle, None, None, n, n, "95 % interval: needs more repeats")
    else:
        found = Interval(middle, float(limits.low), float(limits.high), n, n)
    return _metric(name, found, better)


def share(name: str, values: Sequence[float]) -> Metric:
    """Share of ones among zeros and ones, with Wilson's interval; more is better."""
    return _metric(name, stats.wilson(int(sum(values)), len(values)), True)


def _metric(name: str, found: Interval, better: bool | None) -> Metric:
    return Metric(
        name, found.value, better, "", found.n, found.n_clusters, found.low, found.high, found.note
    )
