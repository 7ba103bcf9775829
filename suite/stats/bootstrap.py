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

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Array, Codes, Labels, as_labels, as_values, chunks
from suite.stats.interval import BootstrapMethod, Interval, spread, with_limits

MeansStatistic = Callable[[Mapping[str, Array]], Array]
"""Statistic of table means, vectorised: name -> (B,) to (B,)."""
ItemsStatistic = Callable[[Mapping[str, Array]], float]
"""Statistic of the items themselves: name -> (n,) to a number."""


@dataclass(frozen=True)
class Table:
    """The scores of one metric on one set of items."""

    values: ArrayLike
    """(n,)."""
    clusters: Labels | None = None
    """What each item belongs to, (n,); None: items are independent (same position = same item in a population)."""
    population: str = ""
    """Tables of one population are resampled together, by cluster id."""


def cluster_bootstrap(
    values: ArrayLike,
    clusters: Labels | None = None,
    statistic: Callable[[Array], float] | None = None,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    method: BootstrapMethod = "percentile",
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
    method: BootstrapMethod = "percentile",
) -> Interval:
    """Interval of a function of several tables' means (see `harmonic_means`), computed on all draws at once.

    n and n_clusters of the result add up the populations (n: the largest table of each).
    """
    populations = _populations(tables)
    value = float(
        statistic({name: np.array([np.mean(as_values(t.values, name))]) for name, t in tables.items()})[0]
    )
    result = _without_limits(value, populations)
    if result.note:
        return result
    draws = statistic(joint_means(tables, n_resamples=n_resamples, seed=seed))
    whole = {name: mean for p in populations for name, mean in p.means(np.ones((1, p.size))).items()}
    left_out = [_influence(statistic({**_repeat(whole, p.size), **p.leave_one_out()})) for p in populations]
    return with_limits(result, draws, spread(left_out), confidence, method)


def joint_means(tables: Mapping[str, Table], *, n_resamples: int = 2000, seed: int = 0) -> dict[str, Array]:
    """Means of every table on each joint draw of clusters: name -> (n_resamples,)."""
    rng = np.random.default_rng(seed)
    means: dict[str, Array] = {}
    for population in _populations(tables):
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
    method: BootstrapMethod = "percentile",
) -> Interval:
    """Interval of a statistic that is no function of means, e.g. the AUC of two tables: one call per draw."""
    populations = _populations(tables)
    arrays = {name: as_values(table.values, name) for name, table in tables.items()}
    result = _without_limits(float(statistic(arrays)), populations)
    if result.note:
        return result
    rng = np.random.default_rng(seed)
    draws = np.empty(n_resamples)
    for i in range(n_resamples):
        picks = [
            population.items(rng.integers(0, population.size, population.size)) for population in populations
        ]
        draws[i] = statistic({name: items for part in picks for name, items in part.items()})
    left_out = [
        _influence(
            np.array(
                [statistic({**arrays, **p.items(np.delete(np.arange(p.size), i))}) for i in range(p.size)]
            )
        )
        for p in populations
    ]
    return with_limits(result, draws, spread(left_out), confidence, method)


class _Population:
    """The tables that share clusters: sums and counts per cluster, (C, T), and the items of each cluster."""

    def __init__(self, name: str, tables: Mapping[str, Table]) -> None:
        self.name, self.names = name, list(tables)
        values = {key: as_values(table.values, key) for key, table in tables.items()}
        labels = {key: as_labels(_labels(tables[key], len(v)), len(v)) for key, v in values.items()}
        unique = np.unique(np.concatenate(list(labels.values())))
        self.size, self.n = len(unique), max(len(v) for v in values.values())
        self.values, self.codes = (
            values,
            {key: np.searchsorted(unique, label) for key, label in labels.items()},
        )
        codes = self.codes
        self.sums = np.stack([np.bincount(codes[k], values[k], self.size) for k in values], axis=1)
        self.counts = np.stack([np.bincount(codes[k], minlength=self.size) for k in values], axis=1).astype(
            float
        )

    @cached_property
    def groups(self) -> dict[str, list[Array]]:
        """The items of each cluster, by table."""
        ends = np.cumsum(self.counts, axis=0).astype(int)[:-1]
        return {
            key: np.split(v[np.argsort(self.codes[key], kind="stable")], ends[:, t])
            for t, (key, v) in enumerate(self.values.items())
        }

    def means(self, weights: Array) -> dict[str, Array]:
        """Weighted mean of every table; weights (B, C) say how often each cluster was drawn."""
        return self._ratio(weights @ self.sums, weights @ self.counts)

    def leave_one_out(self) -> dict[str, Array]:
        """Mean of every table without cluster i: name -> (C,)."""
        return self._ratio(self.sums.sum(axis=0) - self.sums, self.counts.sum(axis=0) - self.counts)

    def _ratio(self, sums: Array, counts: Array) -> dict[str, Array]:
        with np.errstate(invalid="ignore", divide="ignore"):  # NaN where no cluster with items was drawn
            return dict(zip(self.names, (sums / counts).T, strict=True))

    def weights(self, n_resamples: int, rng: np.random.Generator) -> Iterator[Array]:
        for rows in chunks(n_resamples, self.size):
            yield rng.multinomial(self.size, np.full(self.size, 1 / self.size), size=rows).astype(float)

    def items(self, picks: Codes) -> dict[str, Array]:
        return {key: np.concatenate([groups[c] for c in picks]) for key, groups in self.groups.items()}


def _populations(tables: Mapping[str, Table]) -> list[_Population]:
    if not tables:
        raise ValueError("no table of scores was given")
    names = dict.fromkeys(table.population for table in tables.values())
    return [_Population(p, {k: t for k, t in tables.items() if t.population == p}) for p in names]


def _labels(table: Table, n: int) -> Labels:
    return range(n) if table.clusters is None else table.clusters


def _without_limits(value: float, populations: list[_Population]) -> Interval:
    alone = [p.name for p in populations if p.size < 2]
    where = f" in {alone[0]!r}" if alone and alone[0] else ""
    note = f"one cluster{where}: its spread cannot be estimated" if alone else ""
    return Interval(value, None, None, sum(p.n for p in populations), sum(p.size for p in populations), note)


def _influence(left_out: Array) -> Array:
    size = len(left_out)
    influence: Array = (size - 1) / size * (left_out.mean() - left_out)
    return influence


def _repeat(means: Mapping[str, Array], size: int) -> dict[str, Array]:
    return {name: np.repeat(mean, size) for name, mean in means.items()}


def _only(means: Mapping[str, Array]) -> Array:
    return means["values"]
