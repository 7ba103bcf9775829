"""Which pairs of methods differ on one headline metric: p and corrected p of every pair.

Clusters: answers are exchanged (`suite.stats.exchange`), corrected by Holm; with so few clusters
that Holm could hardly find anything, by step-down max-T instead (`suite.stats.max_t`). Runs: t
tests over start models and seeds and the crossed analysis (`suite.stats.calibrated`), corrected by
Holm. A pair differs if both say so. The error of 5 % is for all headline metrics of a table
together: a metric's corrected p is multiplied by their number.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from suite import stats
from suite.compare.linear import by_run_and_cluster
from suite.compare.number import Headline
from suite.results.evidence import ALPHA
from suite.stats.calibrated import over_runs
from suite.stats.clustered import Clustered
from suite.stats.exchange import exchange_test, smallest_pvalue
from suite.stats.max_t import max_t
from suite.stats.max_t import smallest_pvalue as smallest_max_t

EXCHANGES_A_TEST = 60
"""Exchanges for each pair: Holm multiplies the smallest p by the family's size."""
LEAST_EXCHANGES = 10_000
PERMUTATIONS = 5000
"""Draws of labels for max-T; its p is corrected already."""
ROOM = 10
"""Holm is used if its smallest corrected p lies this far below the level."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Tested:
    """One pair."""

    pvalue: float
    adjusted: float


@dataclass(frozen=True)
class Family:
    """The tests of a metric's pairs."""

    headline: Headline
    methods: Sequence[str]
    """Those that have the metric."""
    metrics: int
    """Headline metrics that are corrected together."""
    seed: int = 0

    @property
    def pairs(self) -> list[Pair]:
        """All pairs."""
        return list(itertools.combinations(self.methods, 2))

    @property
    def _model(self) -> Clustered:
        return self.headline.models[self.methods[0]]

    @property
    def testable(self) -> bool:
        """Whether there are two methods and two clusters."""
        return len(self.methods) > 1 and min(self._model.sizes.values()) > 1

    @property
    def _exchanges(self) -> int:
        return max(LEAST_EXCHANGES, EXCHANGES_A_TEST * len(self.pairs) * self.metrics)

    @property
    def by_max_t(self) -> bool:
        """Whether there are too few clusters for Holm."""
        model = self._model
        least = smallest_pvalue(model, self._exchanges)
        return least * len(self.pairs) * self.metrics * ROOM > ALPHA

    @property
    def smallest(self) -> float:
        """The smallest corrected p that the test over clusters can give."""
        model = self._model
        if self.by_max_t:
            clusters = sum(model.sizes.values())
            return self.metrics * smallest_max_t(len(self.methods), clusters, PERMUTATIONS)
        one = smallest_pvalue(model, self._exchanges)
        return one * len(self.pairs) * self.metrics

    @property
    def warning(self) -> str:
        """What to say if no difference, however large, could be found."""
        if not self.testable or self.smallest <= ALPHA:
            return ""
        clusters = sum(self._model.sizes.values())
        return (
            f"{self.headline.name}: with {clusters} clusters the smallest possible corrected p is "
            f"{min(1.0, self.smallest):.2g}, so no difference could be found."
        )

    def test(self) -> dict[Pair, Tested]:
        """p and corrected p of every pair; empty if nothing can be tested."""
        if not self.testable:
            return {}
        of_clusters = {pair: self._exchanged(*pair) for pair in self.pairs}
        corrected = self._max_t() if self.by_max_t else _holm(of_clusters)
        of_runs = dict(self._over_runs())
        corrected_runs = _holm(of_runs)
        found = {}
        for pair, p in of_clusters.items():
            p = max(p, of_runs.get(pair, 0.0))
            larger = max(corrected[pair], corrected_runs.get(pair, 0.0))
            found[pair] = Tested(p, min(1.0, max(p, self.metrics * larger)))
        return found

    def _exchanged(self, a: str, b: str) -> float:
        models = self.headline.models
        return exchange_test(
            models[a],
            models[b],
            least=self.headline.of_interest,
            n_permutations=self._exchanges,
            seed=self.seed,
        ).pvalue

    def _max_t(self) -> Mapping[Pair, float]:
        return max_t(
            {name: self.headline.models[name] for name in self.methods},
            least=self.headline.of_interest,
            n_permutations=PERMUTATIONS,
            seed=self.seed,
        )

    def _over_runs(self) -> Iterator[tuple[Pair, float]]:
        for a, b in self.pairs:
            p = pvalue_over_runs(self.headline, a, b)
            if p is not None:
                yield (a, b), p


def pvalue_over_runs(headline: Headline, a: str, b: str) -> float | None:
    """p of a minus b for new runs; None with one run."""
    by_run = headline.models[a].by_run() - headline.models[b].by_run()
    deviations = None
    if by_run.size > 1 and not headline.is_distance:
        deviations = by_run_and_cluster(headline.models[a]) - by_run_and_cluster(headline.models[b])
    return over_runs(float(by_run.mean()), by_run, deviations, headline.of_interest)


def _holm(pvalues: Mapping[Pair, float]) -> dict[Pair, float]:
    adjusted = stats.holm(list(pvalues.values()))
    return dict(zip(pvalues, map(float, adjusted), strict=True))
