"""Scores of pairs -> metrics: means over items, intervals over clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from suite import ItemScore, Metric

from .scores import REWARDS

if TYPE_CHECKING:
    from suite.stats import Interval

SHARES = frozenset({"log_ratio_accuracy", "own_reward_accuracy", "logp_accuracy", "displaced"})
PER_TOKEN = frozenset(
    {"chosen_mean_logp", "rejected_mean_logp", "after_edit_logp", "after_edit_change"}
)


def summarise(scores: Sequence[ItemScore], directions: Mapping[str, bool | None]) -> list[Metric]:
    """The mean of each metric over the items."""
    parts: dict[str, list[ItemScore]] = {name: [] for name in directions}
    for score in scores:
        if score.metric in parts:
            parts[score.metric].append(score)
    return [mean(name, parts[name], better) for name, better in directions.items()]


def mean(
    name: str, part: Sequence[ItemScore], better: bool | None, share: bool | None = None
) -> Metric:
    """Mean over items, interval over clusters.

    Without a value, and with the reason, if any item has none.

    `share`: whether the items' values are 0 or 1 (ties .5); by default as of the metric `name`.
    """
    share = name in SHARES if share is None else share
    unit = "nats per token" if name in PER_TOKEN else "nats"
    if share or name in REWARDS:
        unit = ""
    if not part:
        return Metric(name, None, better, unit, note="no such pair is held out")
    values: list[float] = []
    reasons: list[str] = []
    for score in part:
        if score.value is None:
            reasons.append(score.note)
        else:
            values.append(score.value)
    if reasons:
        common = reasons[0] if len(set(reasons)) == 1 else ""
        note = common or f"{len(reasons)} of {len(part)} pairs have no value"
        return Metric(name, None, better, unit, len(part), note=note)
    interval = _interval(values, [score.cluster_id for score in part], share)
    return Metric(
        name, interval.value, better, unit, interval.n, interval.n_clusters,
        interval.low, interval.high, interval.note,
    )  # fmt: skip


def _interval(values: Sequence[float], clusters: Sequence[str], share: bool) -> Interval:
    """Wilson's for shares of independent pairs without ties, else a bootstrap over clusters.

    A bootstrap has no width at 0 and 1.
    """
    from suite import stats

    independent = len(set(clusters)) == len(clusters)
    if share and independent and {0.0, 1.0}.issuperset(values):
        return stats.wilson(round(sum(values)), len(values))
    interval = stats.cluster_bootstrap(values, clusters)
    return interval if not share else _within(interval)


def _within(interval: Interval) -> Interval:
    """Limits of a share from a t distribution may lie outside [0, 1] and are cut."""
    low, high = interval.low, interval.high
    return replace(
        interval,
        low=None if low is None else max(0.0, low),
        high=None if high is None else min(1.0, high),
    )
