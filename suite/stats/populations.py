"""Tables of scores, and what is resampled together: the clusters that several tables share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Array, Codes, Labels, as_labels, as_values, chunks, resample_counts


@dataclass(frozen=True)
class Table:
    """The scores of one metric on one set of items."""

    values: ArrayLike
    """(n,)."""
    clusters: Labels | None = None
    """What each item belongs to, (n,). None: itself; position i is one item in all tables of a population."""
    population: str = ""
    """Tables of one population are resampled together, by cluster id."""


class Population:
    """The tables that share clusters: sums and counts per cluster, (C, T), and the items of each cluster."""

    def __init__(self, name: str, tables: Mapping[str, Table]) -> None:
        self.name, self.names = name, list(tables)
        values = {key: as_values(table.values, key) for key, table in tables.items()}
        labels = {key: as_labels(_labels(tables[key], len(v)), len(v)) for key, v in values.items()}
        unique = np.unique(np.concatenate(list(labels.values())))
        self.size, self.n = len(unique), max(len(v) for v in values.values())
        self.values, self.codes = (
            values,
            {key: np.searchsorted(unique, ids) for key, ids in labels.items()},
        )
        self.sums = self._per_cluster(values)
        self.counts = self._per_cluster({key: np.ones(len(v)) for key, v in values.items()})

    def _per_cluster(self, values: Mapping[str, Array]) -> Array:
        return np.stack(
            [np.bincount(self.codes[key], v, self.size) for key, v in values.items()], axis=1
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
        with np.errstate(
            invalid="ignore", divide="ignore"
        ):  # NaN where no cluster with items was drawn
            return dict(zip(self.names, (sums / counts).T, strict=True))

    def weights(self, n_resamples: int, rng: np.random.Generator) -> Iterator[Array]:
        """Draw clusters: blocks of how often each was drawn, (rows, C)."""
        for rows in chunks(n_resamples, self.size):
            yield resample_counts(rng, rows, self.size)

    def items(self, picks: Codes) -> dict[str, Array]:
        """Items of the drawn clusters (C',): name -> (n,)."""
        return {
            key: np.concatenate([groups[c] for c in picks]) for key, groups in self.groups.items()
        }


def populations_of(tables: Mapping[str, Table]) -> list[Population]:
    """Sort tables by population, in order of appearance. Raises ValueError if scores are missing."""
    if not tables:
        raise ValueError("no table of scores was given")
    names = dict.fromkeys(table.population for table in tables.values())
    return [Population(p, {k: t for k, t in tables.items() if t.population == p}) for p in names]


def _labels(table: Table, n: int) -> Labels:
    return range(n) if table.clusters is None else table.clusters
