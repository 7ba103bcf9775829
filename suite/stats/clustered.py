"""Several models' scores on the same items, summed by cluster: one set of numbers for every joint statistic.

    tables = [Part(values (S, n), codes (n,), "retain"), ...]     S seeds, n items, each item in a cluster
    means(tables, sizes, harmonic)        the harmonic mean of the tables' means
    ks_distances(part, reference, ...)    D between the scores and a reference model's

Headline numbers are functions of weighted means: g(W sums / W counts). A draw of clusters gives every model the same
weights W; an exchange of two models' answers mixes their sums. Both cost a matrix product.
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
    """(S, n): a row for each seed, the same items in each."""
    codes: Codes
    """Cluster of each item, (n,), 0 .. C - 1 within the population."""
    population: str
    """What is resampled together, e.g. the evaluation set."""


@dataclass(frozen=True)
class Clustered:
    """One model's numbers, K in all over the populations."""

    sums: Mapping[str, Array]
    """Population -> (S, C, K_p)."""
    counts: Mapping[str, Array]
    """Population -> (C, K_p)."""
    statistic: Callable[[Array], Array]
    """(..., K) means -> (...)."""

    @property
    def seeds(self) -> int:
        """S."""
        return len(next(iter(self.sums.values())))

    @property
    def sizes(self) -> dict[str, int]:
        """Clusters of each population."""
        return {name: len(counts) for name, counts in self.counts.items()}

    def values(self, weights: Weights) -> Array:
        """The statistic of each draw and seed, (B, S); NaN where a draw has no item of a table."""
        rows = len(next(iter(weights.values())))
        width = sum(sums.shape[0] * sums.shape[2] for sums in self.sums.values())
        blocks, start = [], 0
        for size in chunks(rows, width):
            blocks.append(self._values({n: weights[n][start : start + size] for n in self.sums}))
            start += size
        return np.concatenate(blocks)

    def _values(self, weights: Weights) -> Array:
        totals = {name: weighted(weights[name], sums) for name, sums in self.sums.items()}
        return self.of_totals(totals, {name: weights[name] @ self.counts[name] for name in totals})

    def of_totals(self, totals: Mapping[str, Array], counts: Mapping[str, Array]) -> Array:
        """The statistic of sums (B, S, K_p) over counts (B, K_p) or (1, K_p): (B, S)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = [totals[name] / counts[name][:, None, :] for name in totals]
        result: Array = self.statistic(np.concatenate(means, axis=-1))
        return result

    def estimate(self) -> Array:
        """The statistic of all items, by seed, (S,)."""
        by_seed: Array = self.values(
            {name: np.ones((1, size)) for name, size in self.sizes.items()}
        )[0]
        return by_seed

    def influences(self) -> dict[str, Array]:
        """By how much each cluster moves the statistic (see `suite.stats.interval.spread`): population -> (C, S)."""
        found = {}
        for name, size in self.sizes.items():
            weights = {other: np.ones((size, n)) for other, n in self.sizes.items()}
            without = self.values(weights | {name: 1 - np.eye(size)})
            found[name] = (size - 1) / size * (without.mean(axis=0) - without)
        return found


def weighted(weights: Array, sums: Array) -> Array:
    """(B, C) weights of (S, C, K) sums: (B, S, K)."""
    seeds, clusters, columns = sums.shape
    flat = sums.transpose(1, 0, 2).reshape(clusters, seeds * columns)
    totals: Array = (weights @ flat).reshape(len(weights), seeds, columns)
    return totals


def draw_weights(
    sizes: Mapping[str, int], n_resamples: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Draw the clusters of every population, with replacement."""
    return {name: resample_counts(rng, n_resamples, size) for name, size in sizes.items()}


def means(
    parts: Sequence[Part], sizes: Mapping[str, int], statistic: Callable[[Array], Array]
) -> Clustered:
    """Summarise tables whose means the statistic is a function of, in the order of their populations."""
    sums: dict[str, list[Array]] = {}
    counts: dict[str, list[Array]] = {}
    for part in parts:
        size = sizes[part.population]
        rows = [np.bincount(part.codes, values, size) for values in part.values]
        sums.setdefault(part.population, []).append(np.stack(rows))
        counts.setdefault(part.population, []).append(
            np.bincount(part.codes, minlength=size).astype(float)
        )
    return Clustered(
        {name: np.stack(columns, axis=2) for name, columns in sums.items()},
        {name: np.stack(columns, axis=1) for name, columns in counts.items()},
        statistic,
    )


def ks_distances(part: Part, reference: Part, size: int, grid: Array) -> Clustered:
    """D between a model's scores and the reference model's, both drawn by cluster.

    `grid`: sorted, with every value that occurs in either (and in whatever it is to be exchanged with).
    """
    mine, other = _below(part, size, grid), _below(reference, size, grid)
    both = np.concatenate([mine, np.broadcast_to(other[:1], mine.shape)], axis=2)
    n = [
        np.bincount(each.codes, minlength=size)[:, None].repeat(len(grid), axis=1)
        for each in (part, reference)
    ]
    width = len(grid)

    def distance(shares: Array) -> Array:
        gaps: Array = np.abs(shares[..., :width] - shares[..., width:]).max(axis=-1)
        return gaps

    return Clustered(
        {part.population: both},
        {part.population: np.concatenate(n, axis=1).astype(float)},
        distance,
    )


def _below(part: Part, size: int, grid: Array) -> Array:
    """How many items of each cluster are <= each grid value: (S, C, G)."""
    counts = np.zeros((len(part.values), size, len(grid)))
    for seed, values in enumerate(part.values):
        np.add.at(counts[seed], (part.codes, np.searchsorted(grid, values)), 1.0)
    return counts.cumsum(axis=2)
