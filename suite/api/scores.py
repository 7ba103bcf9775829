"""What a benchmark measures of a cell: scores of items, and the numbers of the leaderboard that are
made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ItemScore:
    """One metric of one item, as stored, so that every aggregate can be recomputed."""

    metric: str
    set: str
    """The evaluation set, e.g. "forget"."""
    item_id: str
    cluster_id: str
    value: float | None
    note: str = ""
    """Why the value is missing."""


@dataclass(frozen=True)
class Metric:
    """One number of the leaderboard: finite, or None with the reason in `note`."""

    name: str
    value: float | None
    higher_is_better: bool | None
    """None: neither (a count, a diagnostic)."""
    unit: str = ""
    """A "p-value" is shown on a logarithmic scale and never bootstrapped; where it may underflow,
    the metric "<name>_log10p" gives its logarithm."""
    n: int = 0
    n_clusters: int = 0
    ci_low: float | None = None
    ci_high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class CurvePoint:
    """What was measured in the course of an experiment.

    The report draws metrics named "group/panel/line", e.g. "D1/tau=0.1/a": a picture for each
    group, with a row of panels for each method. "D1/tau=0.1/a*optimum" at one step is a value to
    compare line `a` with, drawn dashed. Axes run from 0 to 1 if a `Metric` of the group has the
    unit "probability".
    """

    step: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Scores:
    """What a benchmark measured of one cell."""

    items: Sequence[ItemScore]
    metrics: Sequence[Metric]
    curve: Sequence[CurvePoint] = ()
    """For learning curves; only experiments give one."""


@dataclass(frozen=True)
class Basis:
    """Which item scores a headline metric is made of, so that the report can say how sure it is of
    a difference."""

    parts: tuple[tuple[str, str], ...]
    """(set, metric of an item)."""
    kind: Literal["mean", "harmonic mean", "ks"] = "mean"
    """"ks": how far the scores lie from the baseline model's, as a Kolmogorov-Smirnov distance
    (less is better); a metric "<headline>_D" that reports this distance is checked against it."""
