"""Ranks, intervals and differences of several models on several headline metrics, from joint draws.

    models = {"npo": Clustered, "ga": Clustered, "retrain": Clustered}
    joint = Joint([Headline("model_utility", +1, models), ...], ["ga", "npo"])
    joint.standings(), joint.differences(), joint.overall()

Limits come from joint draws of clusters; with several runs their width covers new runs too. Which
pairs differ says `suite.compare.testing`; the ranks that a method may have follow from that alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from suite import stats
from suite.compare.linear import by_run_and_cluster, influences_of
from suite.compare.number import Headline, most_runs
from suite.compare.testing import Family, Tested, pvalue_over_runs
from suite.results.evidence import ALPHA, DRAWS, Difference, Overall, Standing
from suite.stats.arrays import Array, resample_counts
from suite.stats.clustered import Clustered, draw_weights
from suite.stats.crossed import crossed_spread
from suite.stats.exchange import exchange_test
from suite.stats.interval import Interval, of_share, spread, with_limits
from suite.stats.pareto import pareto
from suite.stats.rank_sets import rank_sets
from suite.stats.wide_draws import Noise

CONFIDENCE = 0.95


@dataclass
class Joint:
    """All models of a table; `methods` are compared with each other."""

    headlines: Sequence[Headline]
    methods: Sequence[str]
    seed: int = 0
    runs_are_drawn: bool = True
    """Whether training another time would give other models: then one run parts no two methods."""
    _linear: dict[tuple[str, str], Array] = field(default_factory=dict)
    """What `_deviations` has computed, by headline and model."""

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        models = [model for headline in self.headlines for model in headline.models.values()]
        for model in models:
            sizes |= model.sizes
        # Drawn once for everything: all models and metrics see the same clusters and runs.
        rng = np.random.default_rng(self.seed)
        self._weights = draw_weights(sizes, DRAWS, rng)
        starts, seeds = most_runs(models)
        fewest = min(sizes.values(), default=1)
        self._noise = Noise.drawn(DRAWS, starts, seeds, fewest, rng)
        self._run_weights = resample_counts(rng, DRAWS, starts * seeds)
        # A baseline may have more models than the methods have runs: that parts no methods.
        compared = [h.models[name] for h in self.headlines for name in self.having(h)]
        self.starts, self.seeds = most_runs(compared)

    @property
    def claims(self) -> bool:
        """Whether methods are parted at all."""
        return not self.runs_are_drawn or self.starts * self.seeds > 1

    def having(self, headline: Headline) -> list[str]:
        """The methods that have a metric."""
        return [name for name in self.methods if name in headline.models]

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
        values = model.values(self._weights)  # (B, R)
        # 1e-12: a model with fewer runs than others may have all of them left out.
        weights = self._run_weights[:, : model.runs] + 1e-12
        return np.asarray((values * weights).sum(axis=1) / weights.sum(axis=1))

    @cached_property
    def wide(self) -> dict[str, Array]:
        """Headline -> draws (B, methods that have it), as wide as few runs leave them."""
        found = {}
        for headline in self.headlines:
            columns = []
            for name in self.having(headline):
                model = headline.models[name]
                resampled = model.values(self._weights).mean(axis=1)
                # A draw without any item of a table says nothing: it stands at the middle.
                resampled = np.where(np.isfinite(resampled), resampled, np.nanmean(resampled))
                columns.append(self._noise.widened(model.by_run(), resampled))
            found[headline.name] = np.stack(columns, axis=1) if columns else np.zeros((DRAWS, 0))
        return found

    def standings(self) -> Iterator[Standing]:
        """Every method on every headline metric that it has."""
        for headline in self.headlines:
            names = self.having(headline)
            if not names:
                continue
            sets = rank_sets(self._better(headline))
            first = stats.first_probabilities(headline.direction * self.wide[headline.name])
            for name, p_best, (low, high) in zip(names, first, sets, strict=True):
                interval = self._interval(headline, name)
                yield Standing(
                    metric=headline.name,
                    method=name,
                    value=headline.value(name),
                    ci_low=None if interval.low is None else max(interval.low, headline.least),
                    ci_high=interval.high,
                    tier=low,
                    p_best=p_best,
                    rank_low=low,
                    rank_high=high,
                    note=interval.note,
                )

    def _better(self, headline: Headline) -> NDArray[np.bool_]:
        """Whether method i is certainly better than method j, (M, M)."""
        names = self.having(headline)
        place = {name: index for index, name in enumerate(names)}
        values = [headline.direction * headline.value(name) for name in names]
        better = np.zeros((len(names), len(names)), dtype=bool)
        for (a, b), tested in self.tested[headline.name].items():
            if self.claims and tested.adjusted < ALPHA:
                winner, loser = (a, b) if values[place[a]] > values[place[b]] else (b, a)
                better[place[winner], place[loser]] = True
        return better

    @cached_property
    def families(self) -> dict[str, Family]:
        """Headline -> its tests."""
        count = len(self.headlines)
        return {
            known.name: Family(known, self.having(known), count, self.seed)
            for known in self.headlines
        }

    @cached_property
    def tested(self) -> dict[str, dict[tuple[str, str], Tested]]:
        """Headline -> p and corrected p of every pair that can be tested."""
        return {name: family.test() for name, family in self.families.items()}

    @property
    def family(self) -> int:
        """Number of comparisons that are corrected together."""
        return sum(len(family.pairs) for family in self.families.values())

    def warnings(self) -> list[str]:
        """Where no difference, however large, could be found."""
        return [family.warning for family in self.families.values() if family.warning]

    def differences(self) -> list[Difference]:
        """Every pair of methods on every headline metric, corrected."""
        found: list[Difference] = []
        for headline in self.headlines:
            tested = self.tested[headline.name]
            for a, b in self.families[headline.name].pairs:
                p = tested.get((a, b))
                difference = self._untested(headline, a, b)
                if p is not None:
                    difference = replace(difference, pvalue=p.pvalue, adjusted=p.adjusted)
                found.append(difference)
        return found

    def difference(self, headline: Headline, a: str, b: str) -> Difference:
        """a minus b, not corrected; p and limits are None where they cannot be estimated."""
        return replace(self._untested(headline, a, b), pvalue=self._pvalue(headline, a, b))

    def _untested(self, headline: Headline, a: str, b: str) -> Difference:
        interval = self._interval(headline, a, b)
        return Difference(
            metric=headline.name,
            method=a,
            other=b,
            value=headline.value(a) - headline.value(b),
            ci_low=interval.low,
            ci_high=interval.high,
            pvalue=None,
            adjusted=None,
            n=interval.n,
            n_clusters=interval.n_clusters,
            note=interval.note,
        )

    def _pvalue(self, headline: Headline, a: str, b: str) -> float | None:
        """p for clusters and runs; for the runs alone where the two have not as many."""
        model, other = headline.models[a], headline.models[b]
        if min(model.sizes.values()) < 2:
            return None
        of_runs = pvalue_over_runs(headline, a, b)
        if model.runs != other.runs:
            return of_runs
        least = headline.of_interest
        p = exchange_test(model, other, least=least, seed=self.seed).pvalue
        return max(p, of_runs or 0.0)

    def limits(self, headline: Headline) -> dict[str, tuple[float, float]]:
        """95 % limits of every method that has them."""
        found = {}
        for name in self.having(headline):
            limits = self._interval(headline, name)
            if limits.low is not None and limits.high is not None:
                found[name] = (max(headline.least, limits.low), limits.high)
        return found

    def _interval(self, headline: Headline, name: str, minus: str | None = None) -> Interval:
        """Limits of a model's number, or of its difference to the model `minus`."""
        model = headline.models[name]
        value = headline.value(name)
        if minus is not None:
            value -= headline.value(minus)
        n = int(sum(c.sum(axis=0).max() for c in model.counts.values()))
        result = Interval(value, None, None, n, sum(model.sizes.values()))
        if headline.is_distance:
            return replace(result, note="a KS distance is not bootstrapped")
        if min(model.sizes.values()) < 2:
            return replace(result, note="one cluster: its spread cannot be estimated")
        draws = self.draws[headline.name]
        drawn = draws[name] if minus is None else draws[name] - draws[minus]
        if headline.is_share and minus is None:
            return self._share(headline, name, result)
        if model.runs > 1:
            deviations = self._deviations(headline, name)
            if minus is not None:
                deviations = deviations - self._deviations(headline, minus)
            estimate = crossed_spread(deviations, float(drawn.std()) or 1.0, CONFIDENCE)
            return with_limits(result, drawn, estimate, "percentile")
        influences = influences_of(headline, name, minus)
        return with_limits(result, drawn, spread(influences, CONFIDENCE))

    def _share(self, headline: Headline, name: str, result: Interval) -> Interval:
        """Limits of a share: they stay in 0..1 and are never empty."""
        estimate = spread(influences_of(headline, name), CONFIDENCE)
        if headline.models[name].runs > 1:
            estimate = crossed_spread(self._deviations(headline, name), 1.0, CONFIDENCE)
        return of_share(result, headline.value(name), estimate, CONFIDENCE)

    def _deviations(self, headline: Headline, name: str) -> Array:
        """What each start model, seed and cluster adds to the number, (A, S, C)."""
        key = headline.name, name
        if key not in self._linear:
            self._linear[key] = by_run_and_cluster(headline.models[name])
        return self._linear[key]

    def overall(self) -> dict[str, Overall]:
        """The methods that have every headline metric, on all of them together.

        A method is certainly better if it is at least as good on every metric, and the test parts
        the two on one of them.
        """
        names = [m for m in self.methods if all(m in h.models for h in self.headlines)]
        if not self.headlines or not names:
            return {}
        columns = []
        for headline in self.headlines:
            places = [self.having(headline).index(name) for name in names]
            columns.append(self.wide[headline.name][:, places])
        directions = [h.direction for h in self.headlines]
        draws = np.stack(columns, axis=2)  # (B, methods, headlines)
        front = pareto(draws, directions).mean(axis=0)
        sets = rank_sets(self._dominating(names))
        found = {}
        for name, p_front, (low, high) in zip(names, front, sets, strict=True):
            found[name] = Overall(float(p_front), low, high)
        return found

    def _dominating(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Whether method i is certainly better than method j on all metrics together, (M, M)."""
        values, better, tested = [], [], []
        for headline in self.headlines:
            own = self.having(headline)
            places = np.ix_(*[[own.index(name) for name in names]] * 2)
            values.append([headline.direction * headline.value(name) for name in names])
            better.append(self._better(headline)[places])
            # A claim needs a test on every metric.
            tested.append(bool(self.tested[headline.name]))
        if not all(tested):
            return np.zeros((len(names), len(names)), dtype=bool)
        points = np.array(values)
        as_good = (points[:, :, None] >= points[:, None, :]).all(axis=0)
        return np.asarray(as_good & np.any(better, axis=0))
