"""Means over repeats with their t intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suite import ItemScore, Metric, stats


def items_of(repeat: int, values: Mapping[str, float]) -> list[ItemScore]:
    """What one repeat measured, by metric."""
    return [ItemScore(name, "repeats", f"repeat{repeat}", f"repeat{repeat}", value) for name, value in values.items()]


def metrics_of(items: Sequence[ItemScore], better: Mapping[str, bool]) -> list[Metric]:
    """One metric per name: its mean over repeats, each an independent problem. `better`: higher is better, by name."""
    values: dict[str, list[float]] = {}
    for item in items:
        assert item.value is not None, "every repeat measures everything"
        values.setdefault(item.metric, []).append(item.value)
    return [_metric(name, scores, better.get(name)) for name, scores in values.items()]


def _metric(name: str, scores: Sequence[float], better: bool | None) -> Metric:
    mean = stats.mean_interval_t(scores)
    return Metric(name, mean.value, better, "", mean.n, mean.n_clusters, mean.low, mean.high, mean.note)
