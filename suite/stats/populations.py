"""Tables of scores, and what is resampled together: the clusters that several tables share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite.stats.arrays import Array, Labels, as_labels, as_values, chunks, resample_counts


@dataclass(frozen=True)
class Table:
    """The scores of one metric on one set of items."""

    values: ArrayLike
    """(n,)."""
    clusters: Labels | None = None
    """What each item belongs to, (n,).

    None: each item is its own cluster, and position i is the same item in all tables of a
    population.
    """
    population: str = ""
    """Tables of one population are resampled together, by cluster id."""


class Population:
    """The tables that share clusters, as sums and counts per cluster, (C, T)."""

    def __init__(self, name: str, tables: Mapping[str, Table]) -> None:
        self.name = name
        self.names = list(tables)
        values = {key: as_values(table.values, key) for key, table in tables.items()}
        labels = {key: _labels(table, len(values[key])) for key, table in tables.items()}
        clusters = np.unique(np.concatenate(list(labels.values())))
        self.size = len(clusters)
        self.n = max(len(column) for column in values.values())
        sums, counts = [], []
        for key, column in values.items():
            codes = np.searchsorted(clusters, labels[key])
            sums.append(np.bincount(codes, column, self.size))
            counts.append(np.bincount(codes, np.ones(len(column)), self.size))
        self.sums = np.stack(sums, axis=1)
        self.counts = np.stack(counts, axis=1)

    def means(self, weights: Array) -> dict[str, Array]:
        """Weighted mean of every table; weights (B, C) say how often each cluster was drawn."""
        return self._ratio(weights @ self.sums, weights @ self.counts)

    def leave_one_out(self) -> dict[str, Array]:
        """Mean of every table without cluster i: name -> (C,)."""
        sums = self.sums.sum(axis=0) - self.sums
        counts = self.counts.sum(axis=0) - self.counts
        return self._ratio(sums, counts)

    def _ratio(self, sums: Array, counts: Array) -> dict[str, Array]:
        # NaN where no cluster with items of a table was drawn.
        with np.errstate(invalid="ignore", divide="ignore"):
            return dict(zip(self.names, (sums / counts).T, strict=True))

    def weights(self, n_resamples: int, rng: np.random.Generator) -> Iterator[Array]:
        """Draw clusters: blocks of how often each was drawn, (rows, C)."""
        for rows in chunks(n_resamples, self.size):
            yield resample_counts(rng, rows, self.size)


def populations_of(tables: Mapping[str, Table]) -> list[Population]:
    """Sort tables by population, in order of appearance. ValueError if scores are missing."""
    if not tables:
        raise ValueError("no table of scores was given")
    members: dict[str, dict[str, Table]] = {}
    for key, table in tables.items():
        members.setdefault(table.population, {})[key] = table
    return [Population(name, own) for name, own in members.items()]


def _labels(table: Table, n: int) -> NDArray[np.str_]:
    own = range(n) if table.clusters is None else table.clusters
    return as_labels(own, n)
