"""Test whether two models' headline numbers differ, by exchanging their answers cluster by cluster.

If two models are alike, it does not matter which of them gave the answers about an author: the
difference of the two numbers is as likely under any exchange of whole clusters. That holds for any
statistic, also for a harmonic mean or a KS distance to a third model, and it assumes no
distribution. All runs of a cluster are exchanged together.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from suite.stats.arrays import Array
from suite.stats.clustered import Clustered, weighted
from suite.stats.permutation import TOLERANCE, PermutationResult

BLOCK = 1000
"""Exchanges looked at together."""
ENOUGH = 100
"""Stop sampling after so many differences as large as the observed one.

p is then known well enough, and it is not small.
"""


def exchange_test(
    a: Clustered,
    b: Clustered,
    *,
    least: float = 0.0,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> PermutationResult:
    """Two-sided test that a and b, on the same items, have the same statistic (mean over runs).

    `least`: the smallest difference of interest. It is taken from the observed difference, not from
    the exchanged ones, which errs on the careful side; at or below it p is 1.

    All 2^(C-1) exchanges of C clusters if they are at most `n_permutations`, else a random sample,
    stopped early where many reach the observed difference (Besag & Clifford 1991). Raises
    ValueError if the two were not scored on the same items with as many runs.
    """
    if not _paired(a, b):
        raise ValueError("the scores are not paired: other items, clusters or runs")
    clusters = sum(a.sizes.values())
    exact = clusters - 1 <= np.log2(n_permutations)
    exchanges = _all(clusters) if exact else _sampled(clusters, n_permutations, seed)
    pair = _Pair(a, b)
    nothing_exchanged = np.ones((1, clusters))
    observed = float(pair.differences(nothing_exchanged)[0])
    beyond = max(0.0, abs(observed) - least) - TOLERANCE * max(1.0, abs(observed))
    extreme = looked = 0
    for kept in exchanges:
        extreme += int((np.abs(pair.differences(kept)) >= beyond).sum())
        looked += len(kept)
        if not exact and extreme >= ENOUGH:
            break
    if exact:
        return PermutationResult(observed, extreme / looked, looked, True)
    return PermutationResult(observed, (1 + extreme) / (1 + looked), 1 + looked, False)


def smallest_pvalue(model: Clustered, n_permutations: int) -> float:
    """The smallest p that `exchange_test` can give: of C clusters 1 / 2^(C-1), or of the sample."""
    clusters = sum(model.sizes.values())
    return max(math.ldexp(1.0, 1 - clusters), 1 / (1 + n_permutations))


def _paired(a: Clustered, b: Clustered) -> bool:
    if a.sizes != b.sizes or a.runs != b.runs:
        return False
    return all(np.array_equal(a.counts[name], b.counts[name]) for name in a.counts)


class _Pair:
    """Two models whose clusters are exchanged.

    The first model's sums are b's sums, plus the gap a - b of every cluster that stays; the second
    model's are what is left of both. So an exchange costs one matrix product.
    """

    def __init__(self, a: Clustered, b: Clustered) -> None:
        self.model = a
        self.gaps = {name: a.sums[name] - b.sums[name] for name in a.sums}
        self.both = {name: (a.sums[name] + b.sums[name]).sum(axis=1) for name in a.sums}
        self.of_b = {name: b.sums[name].sum(axis=1) for name in a.sums}
        self.counts = {name: counts.sum(axis=0)[None] for name, counts in a.counts.items()}

    def differences(self, kept: Array) -> Array:
        """Difference of the statistics where cluster c stays (1) or is exchanged (0).

        Shape: (B, C) -> (B,); the clusters of all populations stand side by side.
        """
        ends = np.cumsum([gap.shape[1] for gap in self.gaps.values()])[:-1]
        by_population = np.split(kept, ends, axis=1)
        first = {}
        for (name, gap), stay in zip(self.gaps.items(), by_population, strict=True):
            first[name] = weighted(stay, gap) + self.of_b[name]
        second = {name: self.both[name] - total for name, total in first.items()}
        difference: Array = (self._statistic(first) - self._statistic(second)).mean(axis=1)
        return difference

    def _statistic(self, totals: Mapping[str, Array]) -> Array:
        return self.model.of_totals(totals, self.counts)


def _all(clusters: int) -> Iterator[Array]:
    """Every choice; the first cluster stays, since exchanging all of them only turns the sign."""
    choices = itertools.product((1.0, 0.0), repeat=clusters - 1)
    while block := list(itertools.islice(choices, BLOCK)):
        first = np.ones((len(block), 1))
        others = np.array(block).reshape(len(block), -1)
        yield np.concatenate([first, others], axis=1)


def _sampled(clusters: int, total: int, seed: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    for start in range(0, total, BLOCK):
        rows = min(BLOCK, total - start)
        yield rng.integers(0, 2, (rows, clusters)).astype(float)
