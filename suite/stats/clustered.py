"""Several models' scores on the same items, summed by cluster, so that draws are matrix products.

    tables = [Part(values (R, n), codes (n,), "retain"), ...]     R runs, n items in clusters
    means(tables, sizes, harmonic)        the harmonic mean of the tables' means
    ks_distances(part, reference, ...)    D between the scores and a reference model's

The R runs are A start models x S seeds of the method, sorted by start model and then by seed.

Headline numbers are functions of weighted means: g(W sums / W counts). A draw of clusters gives
every model the same weights W; an exchange of two models' answers mixes their sums. Both cost a
matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suite.stats.arrays import Array, Codes, chunks, resample_counts

Weights = Mapping[str, Array]
"""Population -> how often each of its clusters was drawn, (B, C)."""


@dataclass(frozen=True)
class Part:
    """One table of scores."""

    values: Array
    """(R, n): a row for each run, the same items in each."""
    codes: Codes
    """Cluster of each item, (n,), 0 .. C - 1 within the population."""
    population: str
    """What is resampled together, e.g. the evaluation set."""
    starts: int = 1
    """A: how many start models the runs come from."""


@dataclass(frozen=True)
class Clustered:
    """One model's scores, summed by cluster: K columns in all, K_p of them in population p."""

    sums: Mapping[str, Array]
    """Population -> (R, C, K_p)."""
    counts: Mapping[str, Array]
    """Population -> (C, K_p)."""
    statistic: Callable[[Array], Array]
    """The model's number from its means, (..., K) -> (...)."""
    starts: int = 1
    """A: how many start models the runs come from."""

    @property
    def runs(self) -> int:
        """Number of runs, R = A S."""
        return len(next(iter(self.sums.values())))

    def by_run(self) -> Array:
        """The statistic of all items, by start model and seed, (A, S)."""
        return self.estimate().reshape(self.starts, -1)

    @property
    def sizes(self) -> dict[str, int]:
        """Number of clusters of each population."""
        return {name: len(counts) for name, counts in self.counts.items()}

    def values(self, weights: Weights) -> Array:
        """The statistic of each draw and run, (B, R); NaN where a draw has no item of a table."""
        draws = len(next(iter(weights.values())))
        width = sum(sums.shape[0] * sums.shape[2] for sums in self.sums.values())
        blocks = []
        start = 0
        for size in chunks(draws, width):  # all draws at once would need too much memory
            rows = slice(start, start + size)
            blocks.append(self._values({name: weights[name][rows] for name in self.sums}))
            start += size
        return np.concatenate(blocks)

    def _values(self, weights: Weights) -> Array:
        totals = {name: weighted(weights[name], sums) for name, sums in self.sums.items()}
        counts = {name: weights[name] @ counts for name, counts in self.counts.items()}
        return self.of_totals(totals, counts)

    def of_totals(self, totals: Mapping[str, Array], counts: Mapping[str, Array]) -> Array:
        """The statistic of sums (B, R, K_p) over counts (B, K_p) or (1, K_p): (B, R)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = [total / counts[name][:, None, :] for name, total in totals.items()]
        result: Array = self.statistic(np.concatenate(means, axis=-1))
        return result

    def estimate(self) -> Array:
        """The statistic of all items, by run, (R,)."""
        every_cluster_once = {name: np.ones((1, size)) for name, size in self.sizes.items()}
        by_run: Array = self.values(every_cluster_once)[0]
        return by_run

    def influences(self) -> dict[str, Array]:
        """By how much each cluster moves the statistic: population -> (C, R).

        See `suite.stats.interval.spread`.
        """
        found = {}
        for name, size in self.sizes.items():
            # Row i leaves out cluster i of this population and takes all else once.
            weights = {other: np.ones((size, n)) for other, n in self.sizes.items()}
            weights[name] = 1 - np.eye(size)
            without = self.values(weights)
            found[name] = (size - 1) / size * (without.mean(axis=0) - without)
        return found


def weighted(weights: Array, sums: Array) -> Array:
    """Sum over clusters with (B, C) weights of (R, C, K) sums: (B, R, K)."""
    runs, clusters, columns = sums.shape
    # One flat matrix product is much faster than one for each run.
    flat = sums.transpose(1, 0, 2).reshape(clusters, runs * columns)
    totals: Array = (weights @ flat).reshape(len(weights), runs, columns)
    return totals


def draw_weights(
    sizes: Mapping[str, int], n_resamples: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Draw the clusters of every population, with replacement."""
    return {name: resample_counts(rng, n_resamples, size) for name, size in sizes.items()}


def means(
    parts: Sequence[Part], sizes: Mapping[str, int], statistic: Callable[[Array], Array]
) -> Clustered:
    """Sum up the tables whose means the statistic takes.

    `statistic` gets the means population by population, in the order in which populations first
    appear.
    """
    sums: dict[str, list[Array]] = {}
    counts: dict[str, list[Array]] = {}
    for part in parts:
        size = sizes[part.population]
        rows = [np.bincount(part.codes, values, size) for values in part.values]
        items = np.bincount(part.codes, minlength=size).astype(float)
        sums.setdefault(part.population, []).append(np.stack(rows))
        counts.setdefault(part.population, []).append(items)
    stacked_sums = {name: np.stack(columns, axis=2) for name, columns in sums.items()}
    stacked_counts = {name: np.stack(columns, axis=1) for name, columns in counts.items()}
    return Clustered(stacked_sums, stacked_counts, statistic, parts[0].starts)


def ks_distances(part: Part, reference: Part, size: int, rivals: Codes | None = None) -> Clustered:
    """D between a model's scores and a reference model's, both drawn by cluster; of several
    reference models the median.

    `rivals` (R, K): the rows of `reference` that each run is compared with. None: the reference has
    one run, or one for each start model of `part`, and a run meets that of its own start.
    """
    if rivals is None:
        rivals = np.arange(len(part.values)) // (len(part.values) // len(reference.values))
        rivals = rivals[:, None]
    # Between two scores of the reference its distribution function stands still, so the largest gap
    # lies at such a score or just before one: D is exact on this grid for any scores of the model.
    grid = np.unique(reference.values)
    # A cumulative distribution function is a mean too: the share of items <= (or <) a grid value.
    # So the columns are counts at each grid value, the model's and then each reference's.
    tables = [part]
    for known in rivals.T:
        tables.append(Part(reference.values[known], reference.codes, reference.population))
    width = 2 * len(grid)
    sums = np.concatenate([_below(table, size, grid) for table in tables], axis=2)
    columns = []
    for table in tables:
        counts = np.bincount(table.codes, minlength=size).astype(float)
        columns.append(counts[:, None].repeat(width, axis=1))

    def distance(shares: Array) -> Array:
        own, *others = np.split(shares, len(tables), axis=-1)
        gaps = [np.abs(own - other).max(axis=-1) for other in others]
        median: Array = np.median(gaps, axis=0)
        return median

    return Clustered(
        {part.population: sums},
        {part.population: np.concatenate(columns, axis=1)},
        distance,
        part.starts,
    )


def _below(part: Part, size: int, grid: Array) -> Array:
    """How many items of each cluster are <= each grid value, then how many are <: (R, C, 2 G)."""
    runs = []
    for values in part.values:
        sides = []
        # The first grid value that is >= the score, and the first that is > it.
        for places in (np.searchsorted(grid, values), np.searchsorted(grid, values, "right")):
            counts = np.zeros((size, len(grid) + 1))
            np.add.at(counts, (part.codes, places), 1.0)
            sides.append(counts.cumsum(axis=1)[:, :-1])
        runs.append(np.concatenate(sides, axis=1))
    return np.stack(runs)
