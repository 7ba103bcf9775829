"""Permutation test that exchanges whole clusters: items of one cluster need not be independent."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Array, Codes, Labels, as_labels, as_values, chunks

TOLERANCE = 1e-12
"""Two statistics closer than this share of their scale are equal (they differ by rounding)."""


@dataclass(frozen=True)
class PermutationResult:
    """A permutation test; no p-value can be below 1 / n_permutations."""

    statistic: float
    pvalue: float
    n_permutations: int
    """Number of rearrangements looked at, the observed one included."""
    exact: bool
    """True: all rearrangements. False: a random sample, p = (1 + as extreme) / (1 + sampled)."""


def ks_permutation(
    a: ArrayLike,
    b: ArrayLike,
    clusters_a: Labels,
    clusters_b: Labels,
    *,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> PermutationResult:
    """Test the two-sample Kolmogorov-Smirnov D of a (n,) and b (m,) by exchanging clusters.

    The same ids on both sides (two models answer about the same authors): the two halves of an
    author are swapped or not, 2^(C-1) distinct rearrangements. No id in common: clusters are dealt
    anew to the two sides. All rearrangements are enumerated if there are at most `n_permutations`.
    Raises ValueError if the ids overlap in part.
    """
    x, y = as_values(a, "a"), as_values(b, "b")
    ids_a, ids_b = as_labels(clusters_a, len(x)), as_labels(clusters_b, len(y))
    paired = set(ids_a) == set(ids_b)
    if not paired and not set(ids_a).isdisjoint(ids_b):
        raise ValueError("clusters_a and clusters_b must hold the same ids or have none in common")
    # A unit is what moves as a whole: the part of a cluster that lies on one side.
    units = np.concatenate([np.char.add("a", ids_a), np.char.add("b", ids_b)])
    names, codes = np.unique(units, return_inverse=True)  # units of a come first
    n_units, n_a = len(names), len(set(ids_a))
    below = _counts_below(np.concatenate([x, y]), codes, n_units)
    as_observed = (np.arange(n_units) < n_a)[None, :].astype(float)
    observed = float(_ks_statistics(below, as_observed)[0])
    total = 2 ** (n_a - 1) if paired else math.comb(n_units, n_a)
    if total <= n_permutations:
        extreme = _count_extreme(below, _all_sides(n_a, n_units, paired), observed)
        return PermutationResult(observed, extreme / total, total, True)
    sampled = _random_sides(n_a, n_units, paired, n_permutations, seed)
    extreme = _count_extreme(below, sampled, observed)
    looked_at = 1 + n_permutations
    return PermutationResult(observed, (1 + extreme) / looked_at, looked_at, False)


def _count_extreme(below: Array, rearranged: Iterator[Array], observed: float) -> int:
    """How many rearrangements have a D at least as large as the observed one."""
    extreme = 0
    for on_side_a in rearranged:
        statistics = _ks_statistics(below, on_side_a)
        extreme += int((statistics >= observed - TOLERANCE).sum())
    return extreme


def _counts_below(pooled: Array, codes: Codes, n_units: int) -> Array:
    """How many items of each unit are <= each distinct pooled value: (units, P)."""
    grid, positions = np.unique(pooled, return_inverse=True)
    counts = np.zeros((n_units, len(grid)))
    np.add.at(counts, (codes, positions), 1.0)
    return counts.cumsum(axis=1)


def _ks_statistics(below: Array, on_side_a: Array) -> Array:
    """D for each row of on_side_a (B, units), which holds 1 for the units on side a: (B,)."""
    on_side_b = 1 - on_side_a
    sizes = below[:, -1]
    first = on_side_a @ below / (on_side_a @ sizes)[:, None]
    second = on_side_b @ below / (on_side_b @ sizes)[:, None]
    result: Array = np.abs(first - second).max(axis=1)
    return result


def _all_sides(n_a: int, n_units: int, paired: bool) -> Iterator[Array]:
    """Every rearrangement, as rows of 1 for the units on side a, one (1, units) at a time."""
    if paired:
        # The first cluster stays: swapping all of them only exchanges the two sides.
        for swaps in itertools.product((1.0, 0.0), repeat=n_a - 1):
            kept = np.array([1.0, *swaps])
            yield np.concatenate([kept, 1 - kept])[None, :]
        return
    for chosen in itertools.combinations(range(n_units), n_a):
        side = np.zeros((1, n_units))
        side[0, list(chosen)] = 1.0
        yield side


def _random_sides(n_a: int, n_units: int, paired: bool, total: int, seed: int) -> Iterator[Array]:
    """A random sample of `total` rearrangements, in blocks of rows."""
    rng = np.random.default_rng(seed)
    # Small blocks: `_ks_statistics` makes a row of all pooled values from each rearrangement.
    for rows in chunks(total, 4 * n_units, cells=1 << 16):
        if paired:
            kept = rng.integers(0, 2, (rows, n_a)).astype(float)
            yield np.concatenate([kept, 1 - kept], axis=1)
        else:
            units = np.tile(np.arange(n_units), (rows, 1))
            dealt = rng.permuted(units, axis=1)
            yield (dealt < n_a).astype(float)
