"""Ranks, intervals and differences of several models on several headline metrics, from joint draws.

    headlines = [Headline("model_utility", +1, {"npo": Clustered, "ga": Clustered, "retrain": Clustered}), ...]
    joint = Joint(headlines, ["ga", "npo"])
    joint.standings(), joint.differences(), joint.against("retrain", ...), joint.overall()

One seed: limits from joint draws of clusters, p from exchanging answers by cluster. Several seeds: seeds are drawn as
well (the same for every method), and p comes from the two-way analysis of variance, so that a difference is real only
if new seeds would show it.
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


@dataclass(frozen=True)
class Headline:
    """A headline metric of all models that have it."""

    name: str
    direction: int
    """+1: higher is better; -1: lower."""
    models: Mapping[str, Clustered]
    on_one_grid: Callable[[str, str], tuple[Clustered, Clustered]] | None = None
    """A KS distance: two models, ready to be exchanged. It is not bootstrapped: no limits."""
    least: float = -math.inf
    """The number cannot be lower; limits from a t distribution could."""

    def pair(self, a: str, b: str) -> tuple[Clustered, Clustered]:
        """Two models whose answers can be exchanged."""
        return (
            (self.models[a], self.models[b]) if self.on_one_grid is None else self.on_one_grid(a, b)
        )

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

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for headline in self.headlines:
            for model in headline.models.values():
                sizes |= model.sizes
        rng = np.random.default_rng(self.seed)
        self._weights = draw_weights(sizes, DRAWS, rng)
        seeds = [h.models[m].seeds for h in self.headlines for m in self.methods]
        self._seed_weights = resample_counts(rng, DRAWS, max(seeds, default=1))

    @cached_property
    def draws(self) -> dict[str, dict[str, Array]]:
        """Headline -> model -> its number in each draw, (B,)."""
        drawn = {
            h.name: {name: self._drawn(model) for name, model in h.models.items()}
            for h in self.headlines
        }
        # A draw without any item of a table says nothing of anybody.
        defined = np.isfinite(
            [numbers for models in drawn.values() for numbers in models.values()]
        ).all(axis=0)
        return {
            metric: {name: numbers[defined] for name, numbers in models.items()}
            for metric, models in drawn.items()
        }

    def _drawn(self, model: Clustered) -> Array:
        values = model.values(self._weights)
        weights = self._seed_weights if model.seeds > 1 else np.ones((DRAWS, 1))
        drawn: Array = (values * weights).sum(axis=1) / weights.sum(axis=1)
        return drawn

    def standings(self) -> Iterator[Standing]:
        """Every method on every headline metric."""
        corrected = {(d.metric, d.method, d.other): d.adjusted for d in self.differences()}
        for headline in self.headlines:
            scores = {name: headline.direction * headline.value(name) for name in self.methods}
            adjusted = {
                (a, b): p
                for (metric, a, b), p in corrected.items()
                if metric == headline.name and p is not None
            }
            tiers = (
                stats.tiers(scores, adjusted)
                if len(adjusted) == len(self._pairs)
                else dict.fromkeys(scores, 1)
            )
            drawn = np.stack([self.draws[headline.name][name] for name in self.methods], axis=1)
            ranks = stats.rank_probabilities(headline.direction * drawn)
            for name, rank in zip(self.methods, ranks, strict=True):
                own = self._interval(headline, name)
                yield Standing(
                    headline.name, name, headline.value(name), _cut(own.low, headline.least), own.high, tiers[name],
                    rank.p_best, rank.low, rank.high, own.note,
                )  # fmt: skip

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
        found = [
            self.difference(headline, a, b) for headline in self.headlines for a, b in self._pairs
        ]
        known = [d.pvalue for d in found if d.pvalue is not None]
        # One that cannot be tested (a single cluster) stays in the family: the others are corrected for it too.
        adjusted = iter(stats.holm([*known, *[1.0] * (len(found) - len(known))]))
        return [
            d if d.pvalue is None else replace(d, adjusted=float(next(adjusted))) for d in found
        ]

    def difference(self, headline: Headline, a: str, b: str) -> Difference:
        """a minus b; p and limits are None where nothing can be said."""
        first, second = headline.models[a], headline.models[b]
        value = headline.value(a) - headline.value(b)
        clusters = sum(first.sizes.values())
        interval = self._interval(headline, a, b)
        pvalue, note = self._pvalue(headline, a, b, value), interval.note
        if headline.on_one_grid is not None and second.seeds > 1:
            note = f"{note}; p is for these seeds"
        return Difference(
            headline.name,
            a,
            b,
            value,
            interval.low,
            interval.high,
            pvalue,
            None,
            interval.n,
            clusters,
            note,
        )

    def _pvalue(self, headline: Headline, a: str, b: str, value: float) -> float | None:
        first = headline.models[a]
        if min(first.sizes.values()) < 2:
            return None
        if first.seeds > 1 and headline.on_one_grid is None:
            return two_way_pvalue(
                value, self._deviations(headline, a) - self._deviations(headline, b)
            )
        exchanges = max(10_000, EXCHANGES_A_TEST * self.family)
        return exchange_test(*headline.pair(a, b), n_permutations=exchanges, seed=self.seed).pvalue

    def limits(self, headline: Headline) -> dict[str, tuple[float, float]]:
        """95 % limits of every method that has them."""
        found = {name: self._interval(headline, name) for name in self.methods}
        return {
            n: (max(headline.least, i.low), i.high)
            for n, i in found.items()
            if i.low is not None and i.high is not None
        }

    def _interval(self, headline: Headline, name: str, minus: str | None = None) -> Interval:
        """Limits of a model's number, or of its difference to another's."""
        models = [headline.models[name], *([] if minus is None else [headline.models[minus]])]
        signs = [1.0, -1.0]
        value = sum(
            sign * float(model.estimate().mean())
            for sign, model in zip(signs, models, strict=False)
        )
        sizes = models[0].sizes
        n = int(sum(counts.sum(axis=0).max() for counts in models[0].counts.values()))
        result = Interval(value, None, None, n, sum(sizes.values()))
        if headline.on_one_grid is not None:
            return replace(result, note="a KS distance is not bootstrapped")
        if min(sizes.values()) < 2:
            return replace(result, note="one cluster: its spread cannot be estimated")
        names = [name, *([] if minus is None else [minus])]
        drawn = sum(
            sign * self.draws[headline.name][each] for sign, each in zip(signs, names, strict=False)
        )
        assert isinstance(drawn, np.ndarray), "at least one model"
        if models[0].seeds > 1:
            deviations = sum(
                sign * self._deviations(headline, each)
                for sign, each in zip(signs, names, strict=False)
            )
            assert isinstance(deviations, np.ndarray), "at least one model"
            estimate = two_way(deviations, float(drawn.std()) or 1.0, CONFIDENCE)
            return with_limits(result, drawn, estimate, "percentile")
        parts = [model.influences() for model in models]
        moved = [
            sum(s * part[p].mean(axis=1) for s, part in zip(signs, parts, strict=False))
            for p in sizes
        ]
        return with_limits(result, drawn, spread([np.asarray(each) for each in moved], CONFIDENCE))

    def _deviations(self, headline: Headline, name: str) -> Array:
        """Seed by cluster: what each adds to the number, so that the mean of all is 0, (S, C)."""
        key = headline.name, name
        if key not in self._linear:
            model = headline.models[name]
            clusters = np.concatenate(list(model.influences().values()))  # (C, S)
            by_seed = model.estimate()
            self._linear[key] = (by_seed - by_seed.mean())[:, None] + len(clusters) * clusters.T
        return self._linear[key]

    def overall(self) -> dict[str, Overall]:
        """Every method on all headline metrics together; nothing where there is none."""
        if not self.headlines or not self.methods:
            return {}
        drawn = np.stack(
            [[self.draws[h.name][name] for name in self.methods] for h in self.headlines]
        )
        places = pareto_places(drawn.transpose(2, 1, 0), [h.direction for h in self.headlines])
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(places, [tail, 1 - tail], axis=0, method="inverted_cdf")
        front = (places == 1).mean(axis=0)
        return {
            name: Overall(float(front[i]), int(low[i]), int(high[i]))
            for i, name in enumerate(self.methods)
        }


def _cut(low: float | None, least: float) -> float | None:
    return None if low is None else max(low, least)
