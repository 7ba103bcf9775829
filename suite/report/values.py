"""One number of a leaderboard: a metric of one cell, or its mean over several seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from suite.api.scores import Metric
from suite.report.numbers import MISSING, number, p_value
from suite.results.evidence import Difference, Standing

_SMALLEST = 5e-324
"""The smallest float. It replaces a p of 0, for which the benchmark gave no log10 p."""


@dataclass(frozen=True)
class Value:
    """A metric of a row: of its only seed, or the mean over its seeds."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    spread: Literal["", "95 % interval", "range over seeds"] = ""
    """What low and high are."""
    log10_p: float | None = None
    """Set if the metric is a p-value."""
    higher_is_better: bool | None = None
    unit: str = ""
    n: int = 0
    n_clusters: int = 0
    note: str = ""

    @property
    def on_axis(self) -> float | None:
        """The number to rank by and to draw: the value, or log10 p if the metric is a p-value."""
        return self.value if self.log10_p is None else self.log10_p

    @property
    def goodness(self) -> float | None:
        """The value, negated if lower is better; None if missing or without a better direction."""
        value = self.on_axis
        if value is None or self.higher_is_better is None:
            return None
        return value if self.higher_is_better else -value

    @property
    def text(self) -> str:
        """The value as people read it."""
        if self.value is None:
            return MISSING
        return number(self.value) if self.log10_p is None else p_value(self.log10_p)

    @property
    def bounds(self) -> str:
        """Low and high as people read them; "" if there are none."""
        if self.low is None or self.high is None:
            return ""
        low, high = self._format_bound(self.low), self._format_bound(self.high)
        if self.spread == "range over seeds":
            return f"{low} … {high}" if low != high else ""
        return f"[{low}, {high}]"

    def _format_bound(self, bound: float) -> str:
        return number(bound) if self.log10_p is None else p_value(_log10(bound))


def is_p_value(metric: Metric) -> bool:
    """Say whether `metric` is a p-value.

    A p-value is shown on a log scale, averaged as log10 p, and never subtracted.
    """
    return metric.unit == "p-value"


def distance_of(metric: str) -> str:
    """Name the metric that reports the KS distance behind a p-value (see `Basis`)."""
    return f"{metric}_D"


def by_name(metrics: Iterable[Metric]) -> dict[str, Metric]:
    """Index metrics by their names."""
    return {metric.name: metric for metric in metrics}


def value_of(metrics: Mapping[str, Metric], name: str) -> Value:
    """Read the metric `name` of one cell."""
    metric = metrics.get(name)
    if metric is None:
        return Value(name, None, note="not reported by the benchmark")
    return Value(
        name,
        metric.value,
        metric.ci_low,
        metric.ci_high,
        spread="" if metric.ci_low is None else "95 % interval",
        log10_p=_log10_p(metrics, metric),
        higher_is_better=metric.higher_is_better,
        unit=metric.unit,
        n=metric.n,
        n_clusters=metric.n_clusters,
        note=metric.note,
    )


def mean_of(values: Sequence[Value]) -> Value:
    """Average one metric over seeds (geometric mean of p-values), with its range over seeds.

    If the metric is missing for any seed, it is missing.
    """
    first = values[0]
    if len(values) == 1:
        return first
    known = [value.value for value in values if value.value is not None]
    if len(known) < len(values):
        note = _explain_missing(values, len(known))
        return replace(first, value=None, low=None, high=None, spread="", log10_p=None, note=note)
    mean = fmean(known)
    logs = [value.log10_p for value in values if value.log10_p is not None]
    log10_p = fmean(logs) if logs else None
    if log10_p is not None:
        mean = 10**log10_p
    notes = {value.note for value in values}
    return replace(
        first,
        value=mean,
        low=min(known),
        high=max(known),
        spread="range over seeds",
        log10_p=log10_p,
        note=first.note if len(notes) == 1 else "",
    )


def _explain_missing(values: Sequence[Value], known: int) -> str:
    notes = [value.note for value in values if value.value is None]
    reasons = "; ".join(dict.fromkeys(notes))
    if not known:
        return reasons
    return f"missing for {len(values) - known} of {len(values)} seeds: {reasons}"


def bars(value: Value) -> list[list[float]] | None:
    """Return the distances from the value down to low and up to high, as matplotlib wants them."""
    if value.low is None or value.high is None or value.value is None or value.log10_p is not None:
        return None
    return [[max(0.0, value.value - value.low)], [max(0.0, value.high - value.value)]]


def with_limits(value: Value, known: Standing | Difference) -> Value:
    """Replace the range over seeds by the 95 % limits from the comparison of items.

    A p-value has no such limits and keeps its range.
    """
    if known.ci_low is None or known.ci_high is None or value.log10_p is not None:
        return value
    if isinstance(known, Difference):
        value = replace(value, n=known.n, n_clusters=known.n_clusters)
    return replace(value, low=known.ci_low, high=known.ci_high, spread="95 % interval")


def _log10_p(metrics: Mapping[str, Metric], metric: Metric) -> float | None:
    if not is_p_value(metric) or metric.value is None:
        return None
    # The benchmark's own log10 p is exact even where p underflows to 0.
    exact = metrics.get(f"{metric.name}_log10p")
    if exact is not None and exact.value is not None:
        return exact.value
    return _log10(metric.value)


def _log10(p: float) -> float:
    return math.log10(max(p, _SMALLEST))
