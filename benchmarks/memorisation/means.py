"""Means over the items of a set, with intervals over clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from suite import ItemScore, Metric

if TYPE_CHECKING:
    from suite.stats import Interval

FORGET_METRICS = {
    "answer_probability": False,
    "rougeL_recall": False,
    "truth_ratio": True,
    "extraction_strength": False,
    "exact_memorization": False,
}
"""What is reported of the forget set itself, and whether more of it is more forgotten."""


def select(scores: Sequence[ItemScore], name: str, metric: str) -> list[ItemScore]:
    """The scores of one metric on one set, in order."""
    return [score for score in scores if score.set == name and score.metric == metric]


def mean(name: str, part: Sequence[ItemScore], higher_is_better: bool | None) -> Metric:
    """Mean over items, interval over clusters; without a value if any item has none."""
    from suite import stats

    if reason := missing(part):
        return Metric(name, None, higher_is_better, n=len(part), note=reason)
    interval = stats.cluster_bootstrap(values_of(part), clusters_of(part))
    return share(name, higher_is_better, interval)


def missing(part: Sequence[ItemScore], whose: str = "") -> str:
    """Why a metric over these items has no value; "" if it has one."""
    lacking = [score for score in part if score.value is None]
    if part and not lacking:
        return ""
    first = f", the first {lacking[0].item_id} ({lacking[0].note})" if lacking else ""
    return f"{whose}{len(lacking)} of {len(part)} items have no value{first}"


def values_of(part: Sequence[ItemScore]) -> list[float]:
    """The values of the items that have one."""
    return [score.value for score in part if score.value is not None]


def clusters_of(part: Sequence[ItemScore]) -> list[str]:
    """The cluster of each item."""
    return [score.cluster_id for score in part]


def share(name: str, higher_is_better: bool | None, interval: Interval) -> Metric:
    """Metric of an interval in [0, 1]; limits from a t distribution may lie outside and are cut."""
    return Metric(
        name,
        interval.value,
        higher_is_better,
        n=interval.n,
        n_clusters=interval.n_clusters,
        ci_low=None if interval.low is None else max(0.0, interval.low),
        ci_high=None if interval.high is None else min(1.0, interval.high),
        note=interval.note,
    )


def harmonic(name: str, parts: dict[str, list[ItemScore]]) -> Metric:
    """Harmonic mean of the parts' means.

    Interval: the same clusters are resampled in all parts of a set.
    """
    from suite import stats

    reasons: list[str] = []
    for part_name, part in parts.items():
        if why := missing(part):
            reasons.append(f"{part_name}: {why}")
    if reasons:
        return Metric(name, None, True, note="; ".join(reasons))
    tables: dict[str, stats.Table] = {}
    for part_name, part in parts.items():
        tables[part_name] = stats.Table(values_of(part), clusters_of(part), population=part[0].set)
    return share(name, True, stats.joint_bootstrap(tables, stats.harmonic_means))
