"""Ranks, intervals and differences of several models on several headline metrics, from joint draws.

    models = {"npo": Clustered, "ga": Clustered, "retrain": Clustered}
    joint = Joint([Headline("model_utility", +1, models), ...], ["ga", "npo"])
    joint.standings(), joint.differences(), joint.overall()

One seed: limits come from joint draws of clusters, p from exchanging answers by cluster. Several
seeds: seeds are drawn as well (the same for every method), and p comes from the two-way analysis of
variance, so that a difference is significant only if new seeds would show it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from suite import stats
from suite.results.evidence import DRAWS, Difference, Overall, Standing
from suite.stats.arrays import Array, resample_counts
from suite.stats.clustered import Clustered, draw_weights
from suite.stats.exchange import exchange_test
from suite.stats.hierarchical import two_way, two_way_pvalue
from suite.stats.interval import Interval, spread, with_limits
from suite.stats.pareto import pareto_places

CONFIDENCE = 0.95
EXCHANGES_A_TEST = 60
"""Exchanges for each test of the family: Holm multiplies the smallest p by the family's size."""
LEAST_EXCHANGES = 10_000


@dataclass(frozen=True)
class Headline:
    """A headline metric of all models that have it."""

    name: str
    direction: int
    """+1: higher is better; -1: lower."""
    models: Mapping[str, Clustered]
    on_one_grid: Callable[[str, str], tuple[Clustered, Clustered]] | None = None
    """Only of a KS distance: two models, ready to be exchanged.

    Such a metric is not bootstrapped and has no limits.
    """
    least: float = -math.inf
    """The number cannot be lower; limits from a t distribution could."""

    def pair(self, a: str, b: str) -> tuple[Clustered, Clustered]:
        """Two models whose answers can be exchanged."""
        if self.on_one_grid is not None:
            return self.on_one_grid(a, b)
        return self.models[a], self.models[b]

    def value(self, model: str) -> float:
        """Mean over seeds."""
        return float(self.models[model].estimate().mean())


@dataclass
class Joint:
    """All models of a table; `methods` are compared with each other."""

    headlines: Sequence[Headline]
    methods: Sequence[str]
    seed: int = 0
    _linear: dict[tuple[str, str], Array] = field(default_factory=dict)
    """What `_deviations` has computed, by headline and model."""

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for headline in self.headlines:
            for model in headline.models.values():
                sizes |= model.sizes
        # Drawn once for everything: all models and metrics see the same clusters and seeds.
        rng = np.random.default_rng(self.seed)
        self._weights = draw_weights(sizes, DRAWS, rng)
        seeds = [h.models[m].seeds for h in self.headlines for m in self.methods]
        self._seed_weights = resample_counts(rng, DRAWS, max(seeds, default=1))

    @cached_property
    def draws(self) -> dict[str, dict[str, Array]]:
        """Headline -> model -> its number in each draw, (B,)."""
        drawn: dict[str, dict[str, Array]] = {}
        finite = []
        for headline in self.headlines:
            drawn[headline.name] = {}
            for name, model in headline.models.items():
                numbers = self._drawn(model)
                drawn[headline.name][name] = numbers
                finite.append(np.isfinite(numbers))
        # A draw without any item of a table says nothing about any model: it is dropped for all.
        defined = np.all(finite, axis=0)
        for models in drawn.values():
            for name, numbers in models.items():
                models[name] = numbers[defined]
        return drawn

    def _drawn(self, model: Clustered) -> Array:
        values = model.values(self._weights)  # (B, S)
        weights = self._seed_weights if model.seeds > 1 else np.ones((DRAWS, 1))
        drawn: Array = (values * weights).sum(axis=1) / weights.sum(axis=1)
        return drawn

    def standings(self) -> Iterator[Standing]:
        """Every method on every headline metric."""
        for headline in self.headlines:
            tiers = self._tiers(headline)
            drawn = np.stack([self.draws[headline.name][name] for name in self.methods], axis=1)
            ranks = stats.rank_probabilities(headline.direction * drawn)
            for name, rank in zip(self.methods, ranks, strict=True):
                interval = self._interval(headline, name)
                low = interval.low
                yield Standing(
                    metric=headline.name,
                    method=name,
                    value=headline.value(name),
                    ci_low=None if low is None else max(low, headline.least),
                    ci_high=interval.high,
                    tier=tiers[name],
                    p_best=rank.p_best,
                    rank_low=rank.low,
                    rank_high=rank.high,
                    note=interval.note,
                )

    def _tiers(self, headline: Headline) -> dict[str, int]:
        adjusted: dict[tuple[str, str], float] = {}
        for difference in self.differences():
            if difference.metric == headline.name and difference.adjusted is not None:
                adjusted[difference.method, difference.other] = difference.adjusted
        if len(adjusted) < len(self._pairs):  # not every pair could be tested
            return dict.fromkeys(self.methods, 1)
        scores = {name: headline.direction * headline.value(name) for name in self.methods}
        return stats.tiers(scores, adjusted)

    @cached_property
    def _pairs(self) -> list[tuple[str, str]]:
        return list(itertools.combinations(self.methods, 2))

    @property
    def family(self) -> int:
        """Number of comparisons that Holm corrects for."""
        return len(self._pairs) * len(self.headlines)

    def differences(self) -> list[Difference]:
        """Every pair of methods on every headline metric, corrected."""
        return self._corrected

    @cached_property
    def _corrected(self) -> list[Difference]:
        found: list[Difference] = []
        for headline in self.headlines:
            found += [self.difference(headline, a, b) for a, b in self._pairs]
        tested = [difference.pvalue for difference in found if difference.pvalue is not None]
        # A comparison that cannot be tested (a single cluster) stays in the family, with p = 1: the
        # others are corrected for it too.
        untested = [1.0] * (len(found) - len(tested))
        adjusted = iter(stats.holm([*tested, *untested]))
        corrected = []
        for difference in found:
            if difference.pvalue is not None:
                difference = replace(difference, adjusted=float(next(adjusted)))
            corrected.append(difference)
        return corrected

    def difference(self, headline: Headline, a: str, b: str) -> Difference:
        """a minus b, not yet corrected; p and limits are None where they cannot be estimated."""
        interval = self._interval(headline, a, b)
        value = headline.value(a) - headline.value(b)
        note = interval.note
        if headline.on_one_grid is not None and headline.models[b].seeds > 1:
            note = f"{note}; p is for these seeds"
        return Difference(
            metric=headline.name,
            method=a,
            other=b,
            value=value,
            ci_low=interval.low,
            ci_high=interval.high,
            pvalue=self._pvalue(headline, a, b, value),
            adjusted=None,
            n=interval.n,
            n_clusters=interval.n_clusters,
            note=note,
        )

    def _pvalue(self, headline: Headline, a: str, b: str, value: float) -> float | None:
        model = headline.models[a]
        if min(model.sizes.values()) < 2:
            return None
        if model.seeds > 1 and headline.on_one_grid is None:
            deviations = self._deviations(headline, a) - self._deviations(headline, b)
            return two_way_pvalue(value, deviations)
        exchanges = max(LEAST_EXCHANGES, EXCHANGES_A_TEST * self.family)
        pair = headline.pair(a, b)
        return exchange_test(*pair, n_permutations=exchanges, seed=self.seed).pvalue

    def limits(self, headline: Headline) -> dict[str, tuple[float, float]]:
        """95 % limits of every method that has them."""
        found = {}
        for name in self.methods:
            interval = self._interval(headline, name)
            if interval.low is not None and interval.high is not None:
                found[name] = (max(headline.least, interval.low), interval.high)
        return found

    def _interval(self, headline: Headline, name: str, minus: str | None = None) -> Interval:
        """Limits of a model's number, or of its difference to the model `minus`."""
        model = headline.models[name]
        value = headline.value(name)
        if minus is not None:
            value -= headline.value(minus)
        n = int(sum(counts.sum(axis=0).max() for counts in model.counts.values()))
        result = Interval(value, None, None, n, sum(model.sizes.values()))
        if headline.on_one_grid is not None:
            return replace(result, note="a KS distance is not bootstrapped")
        if min(model.sizes.values()) < 2:
            return replace(result, note="one cluster: its spread cannot be estimated")
        draws = self.draws[headline.name]
        drawn = draws[name] if minus is None else draws[name] - draws[minus]
        if model.seeds > 1:
            deviations = self._deviations(headline, name)
            if minus is not None:
                deviations = deviations - self._deviations(headline, minus)
            estimate = two_way(deviations, float(drawn.std()) or 1.0, CONFIDENCE)
            return with_limits(result, drawn, estimate, "percentile")
        influences = self._influences(headline, name, minus)
        return with_limits(result, drawn, spread(influences, CONFIDENCE))

    def _influences(self, headline: Headline, name: str, minus: str | None) -> list[Array]:
        """By how much each cluster moves the number or the difference, by population, (C,)."""
        mine = headline.models[name].influences()
        found = {population: moved.mean(axis=1) for population, moved in mine.items()}
        if minus is not None:
            for population, moved in headline.models[minus].influences().items():
                found[population] = found[population] - moved.mean(axis=1)
        return list(found.values())

    def _deviations(self, headline: Headline, name: str) -> Array:
        """Seed by cluster: what each adds to the number, so that the mean of all is 0, (S, C)."""
        key = headline.name, name
        if key not in self._linear:
            model = headline.models[name]
            clusters = np.concatenate(list(model.influences().values()))  # (C, S)
            by_seed = model.estimate()
            of_seeds = (by_seed - by_seed.mean())[:, None]
            self._linear[key] = of_seeds + len(clusters) * clusters.T
        return self._linear[key]

    def overall(self) -> dict[str, Overall]:
        """Every method on all headline metrics together; empty where there is none."""
        if not self.headlines or not self.methods:
            return {}
        columns = []
        for headline in self.headlines:
            drawn = self.draws[headline.name]
            columns.append(np.stack([drawn[name] for name in self.methods], axis=1))
        points = np.stack(columns, axis=2)  # (B, methods, headlines)
        places = pareto_places(points, [headline.direction for headline in self.headlines])
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(places, [tail, 1 - tail], axis=0, method="inverted_cdf")
        front = (places == 1).mean(axis=0)
        found = {}
        for index, name in enumerate(self.methods):
            found[name] = Overall(float(front[index]), int(low[index]), int(high[index]))
        return found
