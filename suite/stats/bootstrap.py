"""Cluster bootstrap of a mean, of any statistic, and of statistics over several tables of scores.

    parts = {"retain/rouge": Table(rouge, authors, "retain"), "retain/prob": Table(prob, authors, "retain"),
             "facts/rouge": Table(facts, None, "facts")}
    joint_bootstrap(parts, harmonic_means)     # one draw = one set of authors for both retain tables

Tables of the same population hold scores of the same clusters: a draw gives a cluster the same weight in all
of them, which keeps their correlation. (Resampled independently, a harmonic mean's 95 % interval covers some
70 %.) Resampling whole clusters also carries the variation within them, so items are not resampled a second
time (Davison & Hinkley 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Array, Labels, as_values
from suite.stats.interval import BootstrapMethod, Interval, spread, with_limits
from suite.stats.populations import Population, Table, populations_of

MeansStatistic = Callable[[Mapping[str, Array]], Array]
"""Statistic of table means, vectorised: name -> (B,) to (B,)."""
ItemsStatistic = Callable[[Mapping[str, Array]], float]
"""Statistic of the items themselves: name -> (n,) to a number."""


def cluster_bootstrap(
    values: ArrayLike,
    clusters: Labels | None = None,
    statistic: Callable[[Array], float] | None = None,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    method: BootstrapMethod = "bca",
) -> Interval:
    """Interval of a statistic (default: the mean over items) of (n,) scores, whole clusters resampled.

    `statistic` takes the resampled scores in any order. Raises ValueError on None or NaN. With one cluster
    the limits are None. How the limits are made to cover with few clusters: see `suite.stats.interval`.
    """
    tables = {"values": Table(values, clusters)}
    if statistic is None:
        return joint_bootstrap(
            tables, _only, n_resamples=n_resamples, seed=seed, confidence=confidence, method=method
        )
    of_items = statistic
    return joint_bootstrap_items(
        tables,
        lambda resampled: of_items(resampled["values"]),
        n_resamples=n_resamples,
        seed=seed,
        confidence=confidence,
        method=method,
    )


def joint_bootstrap(
    tables: Mapping[str, Table],
    statistic: MeansStatistic,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    method: BootstrapMethod = "bca",
) -> Interval:
    """Interval of a function of several tables' means (see `harmonic_means`), computed on all draws at once.

    n and n_clusters of the result add up the populations (n: the largest table of each).
    """
    populations = populations_of(tables)
    whole = {
        name: mean for p in populations for name, mean in p.means(np.ones((1, p.size))).items()
    }
    result = _without_limits(float(statistic(whole)[0]), populations)
    if result.note:
        return result
    draws = statistic(joint_means(tables, n_resamples=n_resamples, seed=seed))
    left_out = [
        _influence(statistic({**_repeat(whole, p.size), **p.leave_one_out()})) for p in populations
    ]
    return with_limits(result, draws, spread(left_out, confidence), method)


def joint_means(
    tables: Mapping[str, Table], *, n_resamples: int = 2000, seed: int = 0
) -> dict[str, Array]:
    """Means of every table on each joint draw of clusters: name -> (n_resamples,)."""
    rng = np.random.default_rng(seed)
    means: dict[str, Array] = {}
    for population in populations_of(tables):
        parts = [population.means(weights) for weights in population.weights(n_resamples, rng)]
        means.update({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return {name: means[name] for name in tables}


def joint_bootstrap_items(
    tables: Mapping[str, Table],
    statistic: ItemsStatistic,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    method: BootstrapMethod = "bca",
) -> Interval:
    """Interval of a statistic that is no function of means, e.g. the AUC of two tables: one call per draw."""
    populations = populations_of(tables)
    arrays = {name: as_values(table.values, name) for name, table in tables.items()}
    result = _without_limits(float(statistic(arrays)), populations)
    if result.note:
        return result
    rng = np.random.default_rng(seed)
    draws = np.empty(n_resamples)
    for i in range(n_resamples):
        picks = [p.items(rng.integers(0, p.size, p.size)) for p in populations]
        draws[i] = statistic({name: items for part in picks for name, items in part.items()})
    left_out = []
    for p in populations:
        kept = (np.delete(np.arange(p.size), cluster) for cluster in range(p.size))
        left_out.append(
            _influence(np.array([statistic({**arrays, **p.items(rest)}) for rest in kept]))
        )
    return with_limits(result, draws, spread(left_out, confidence), method)


def _without_limits(value: float, populations: Sequence[Population]) -> Interval:
    alone = [p.name for p in populations if p.size < 2]
    where = f" in {alone[0]!r}" if alone and alone[0] else ""
    note = f"one cluster{where}: its spread cannot be estimated" if alone else ""
    return Interval(
        value, None, None, sum(p.n for p in populations), sum(p.size for p in populations), note
    )


def _influence(left_out: Array) -> Array:
    size = len(left_out)
    influence: Array = (size - 1) / size * (left_out.mean() - left_out)
    return influence


def _repeat(means: Mapping[str, Array], size: int) -> dict[str, Array]:
    return {name: np.repeat(mean, size) for name, mean in means.items()}


def _only(means: Mapping[str, Array]) -> Array:
    return means["values"]
