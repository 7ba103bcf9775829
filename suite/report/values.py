"""One number of the table: a metric of one cell, or of several seeds together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from suite.api.scores import Metric
from suite.report.numbers import MISSING, number, p_value
from suite.results.evidence import Difference, Standing

_SMALLEST = 5e-324
"""The smallest float: where p underflowed and the benchmark gave no log10 p."""


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
    def goodness(self) -> float | None:
        """The value such that larger is better; None if it is missing or has no better."""
        value = self.value if self.log10_p is None else self.log10_p
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
        """Low and high as people read them, or ""."""
        if self.low is None or self.high is None:
            return ""
        if self.log10_p is None:
            low, high = number(self.low), number(self.high)
        else:
            low, high = (p_value(_log10(bound)) for bound in (self.low, self.high))
        if self.spread == "range over seeds":
            return f"{low} … {high}" if low != high else ""
        return f"[{low}, {high}]"


def is_p_value(metric: Metric) -> bool:
    """Say whether `metric` is a p-value: read on a log scale, averaged as log10 p, never subtracted."""
    return metric.unit == "p-value"


def value_of(metrics: Mapping[str, Metric], name: str) -> Value:
    """Read the metric `name` of one cell."""
    metric = metrics.get(name)
    if metric is None:
        return Value(name, None, note="not reported by the benchmark")
    spread: Literal["", "95 % interval"] = "95 % interval" if metric.ci_low is not None else ""
    return Value(
        name, metric.value, metric.ci_low, metric.ci_high, spread, _log10_p(metrics, metric),
        metric.higher_is_better, metric.unit, metric.n, metric.n_clusters, metric.note,
    )  # fmt: skip


def mean_of(values: Sequence[Value]) -> Value:
    """Join the seeds of one metric: their mean (p-values: geometric) and range. One missing seed: missing."""
    first = values[0]
    if len(values) == 1:
        return first
    known = [value.value for value in values if value.value is not None]
    if len(known) < len(values):
        reasons = "; ".join(dict.fromkeys(value.note for value in values if value.value is None))
        share = f"missing for {len(values) - len(known)} of {len(values)} seeds: " if known else ""
        return replace(
            first, value=None, low=None, high=None, spread="", log10_p=None, note=share + reasons
        )
    logs = [value.log10_p for value in values if value.log10_p is not None]
    log10_p = fmean(logs) if logs else None
    mean = fmean(known) if log10_p is None else 10**log10_p
    note = first.note if all(value.note == first.note for value in values) else ""
    return replace(
        first,
        value=mean,
        low=min(known),
        high=max(known),
        spread="range over seeds",
        log10_p=log10_p,
        note=note,
    )


def bars(value: Value) -> list[list[float]] | None:
    """Return the distances from the value down to low and up to high, as matplotlib wants them."""
    if value.low is None or value.high is None or value.value is None or value.log10_p is not None:
        return None
    return [[max(0.0, value.value - value.low)], [max(0.0, value.high - value.value)]]


def with_limits(value: Value, known: Standing | Difference) -> Value:
    """Put the 95 % limits from comparing items in the place of the seeds' range; a p-value has none."""
    if known.ci_low is None or known.ci_high is None or value.log10_p is not None:
        return value
    size = (
        replace(value, n=known.n, n_clusters=known.n_clusters)
        if isinstance(known, Difference)
        else value
    )
    return replace(size, low=known.ci_low, high=known.ci_high, spread="95 % interval")


def _log10_p(metrics: Mapping[str, Metric], metric: Metric) -> float | None:
    if not is_p_value(metric) or metric.value is None:
        return None
    exact = metrics.get(f"{metric.name}_log10p")
    if exact is not None and exact.value is not None:
        return exact.value
    return _log10(metric.value)


def _log10(p: float) -> float:
    return math.log10(max(p, _SMALLEST))
