"""Step-down max-T over all pairs of methods, by permuting the methods' labels within clusters.

    models = {"a": Clustered, "b": Clustered, "c": Clustered}
    max_t(models)[("a", "b")]        corrected p of every pair

If methods are alike, any of them could have given any one's answers about a cluster. One draw deals
the methods' labels anew, cluster by cluster, for all pairs at once; a pair's corrected p is the
share of draws in which the largest difference of any pair reaches the pair's own (Westfall & Young
1993). It is not the smallest p of a single pair times the number of pairs: 10 clusters give a pair
of methods 2^9 exchanges, so Holm over 272 comparisons cannot find anything, while 17 methods have
17!^10 rearrangements.

Step down: pairs are taken from the largest difference to the smallest. The pairs that are left link
methods into groups; methods of different groups are known to differ, so labels are permuted within
the groups only (Petrondas & Gabriel 1983: labels of methods that differ must not be mixed).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suite.stats.arrays import Array, Codes
from suite.stats.clustered import Clustered
from suite.stats.permutation import TOLERANCE

Pairs = Mapping[tuple[str, str], float]
CELLS = 1 << 22
"""Numbers held at once."""
ENOUGH = 0.5
"""Pairs after one whose corrected p is as large get the same p: their order says no more."""


def max_t(
    models: Mapping[str, Clustered],
    *,
    least: float = 0.0,
    n_permutations: int = 5000,
    seed: int = 0,
) -> dict[tuple[str, str], float]:
    """Corrected p of every pair of methods, each once, as `itertools.combinations` lists them.

    `least`: the smallest difference of interest, which is taken from the observed differences. All
    models must have been scored on the same items with as many runs. No p is below
    1 / (1 + n_permutations).
    """
    names = list(models)
    dealt = _Dealt(list(models.values()), n_permutations, seed)
    values = np.array([model.estimate().mean() for model in models.values()])
    pairs = list(itertools.combinations(range(len(names)), 2))
    beyond = np.array([max(0.0, abs(values[i] - values[j]) - least) for i, j in pairs])
    order = np.argsort(-beyond, kind="stable")
    found = np.ones(len(pairs))
    p = 0.0
    groups: tuple[int, ...] = ()
    for place, index in enumerate(order):
        if p < ENOUGH:
            left = [pairs[k] for k in order[place:]]
            now = _groups(left, len(names))
            if now != groups:
                groups, drawn = now, dealt.values(now)
            # The scale lets pairs pass that reach the observed value but for rounding.
            reached = _largest(drawn, left) >= beyond[index] - TOLERANCE * max(1.0, beyond[index])
            p = max(p, (1 + int(reached.sum())) / (1 + len(drawn)))
        found[index] = 1.0 if beyond[index] == 0 else p
    return {(names[i], names[j]): float(q) for (i, j), q in zip(pairs, found, strict=True)}


def smallest_pvalue(methods: int, clusters: int, n_permutations: int = 5000) -> float:
    """About the smallest corrected p that `max_t` can give.

    One pair has 2^(C-1) exchanges. With more methods an arrangement as extreme as the observed one
    is one of M^C: that each cluster's best answers fall to one method, and M (M - 1) such choices.
    """
    same = 2.0 if methods == 2 else float(methods * (methods - 1))
    return max(1 / (1 + n_permutations), same / float(methods) ** clusters)


def _groups(pairs: Sequence[tuple[int, int]], size: int) -> tuple[int, ...]:
    """Number of the group of each method; pairs link methods into groups."""
    group = list(range(size))
    for i, j in pairs:
        if group[i] != group[j]:
            old, new = max(group[i], group[j]), min(group[i], group[j])
            group = [new if number == old else number for number in group]
    return tuple(group)


def _largest(drawn: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """The largest difference over some pairs, (B, M) -> (B,)."""
    first, second = np.array(pairs).T
    result: Array = np.abs(drawn[:, first] - drawn[:, second]).max(axis=1)
    return result


class _Dealt:
    """The methods' values under random labels."""

    def __init__(self, models: Sequence[Clustered], draws: int, seed: int) -> None:
        self.model = models[0]
        self.methods = len(models)
        self.draws, self.seed = draws, seed
        self.sums = {}
        for name in self.model.sums:
            # (C, M, R K): a cluster's sums of every method
            stacked = np.stack([model.sums[name] for model in models])
            methods, runs, clusters, columns = stacked.shape
            self.sums[name] = stacked.transpose(2, 0, 1, 3).reshape(
                clusters, methods, runs * columns
            )
        self.counts = {name: counts.sum(axis=0)[None] for name, counts in self.model.counts.items()}

    def values(self, groups: Sequence[int]) -> Array:
        """Every method's value in each draw of labels within groups, (B, M)."""
        rng = np.random.default_rng(self.seed)
        width = self.methods * sum(sums.shape[2] for sums in self.sums.values())
        step = max(1, CELLS // width)
        blocks = []
        for start in range(0, self.draws, step):
            rows = min(step, self.draws - start)
            totals = {}
            for name, sums in self.sums.items():
                total = np.zeros((rows, self.methods, sums.shape[2]))
                for cluster, labels in zip(sums, _labels(groups, rows, rng), strict=False):
                    total += cluster[labels]
                totals[name] = total
            blocks.append(self._values(totals))
        return np.concatenate(blocks)

    def _values(self, totals: Mapping[str, Array]) -> Array:
        """(B, M, R K) of each population -> (B, M)."""
        found = []
        for method in range(self.methods):
            of_method = {}
            for name, total in totals.items():
                columns = self.counts[name].shape[1]
                of_method[name] = total[:, method].reshape(len(total), -1, columns)
            found.append(self.model.of_totals(of_method, self.counts).mean(axis=1))
        return np.stack(found, axis=1)


def _labels(groups: Sequence[int], rows: int, rng: np.random.Generator) -> Iterator[Codes]:
    """For one cluster after another: whose answers each method gets, (B, M), without end."""
    members: list[NDArray[np.intp]] = [
        np.flatnonzero(np.array(groups) == group) for group in sorted(set(groups))
    ]
    while True:
        labels = np.tile(np.arange(len(groups)), (rows, 1))
        for group in members:
            if len(group) > 1:
                dealt = np.tile(group, (rows, 1))
                labels[:, group] = rng.permuted(dealt, axis=1)
        yield labels
