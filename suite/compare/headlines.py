"""From item scores to headline metrics that can be drawn again: what `suite.compare.ranking` works on.

Scored (one cell's items) -> _Parts (arrays, the same items for every row) -> Headline (sums by cluster)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol

from suite.api.scores import Basis, ItemScore, Metric

if TYPE_CHECKING:
    from suite.compare.ranking import Headline
    from suite.stats.clustered import Clustered, Part


class LeftOut(Exception):
    """Nothing can be said of a headline metric; the text says why."""


@dataclass(frozen=True)
class Scored:
    """One cell's scores."""

    metrics: Mapping[str, Metric]
    items: Mapping[tuple[str, str], Sequence[ItemScore]]
    """By (set, metric)."""


Rows = Mapping[str, Sequence[Scored]]
"""Method -> its seeds."""


class Declared(Protocol):
    """What a benchmark, or a comparison in results.json, says of its headline metrics."""

    @property
    def baseline(self) -> str | None:
        """See `Benchmark.baseline`."""

    @property
    def basis(self) -> Mapping[str, Basis]:
        """See `Benchmark.basis`."""

    @property
    def reference_point(self) -> Mapping[str, float]:
        """See `Benchmark.reference_point`."""


def headline(name: str, declared: Declared, methods: Rows, starts: Rows) -> Headline:
    """Sum up a metric's item scores by cluster. Raises LeftOut."""
    from suite.compare.ranking import Headline
    from suite.stats import clustered

    if lacking := [
        row for row, seeds in methods.items() if any(name not in m.metrics for m in seeds)
    ]:
        raise LeftOut(f"{lacking[0]} does not report it")
    basis = declared.basis.get(name) or _by_name(name, {**starts, **methods})
    parts = _Parts(basis, {**starts, **methods}, required=set(methods))
    if basis.kind == "ks":
        distances = _ks(name, parts, declared.baseline)
        _check(distances.models, f"{name}_D", methods)
        return distances
    statistic = _mean if basis.kind == "mean" else _harmonic
    models = {
        row: clustered.means(found, parts.sizes, statistic) for row, found in parts.of.items()
    }
    _check(models, name, methods)
    better = next(iter(methods.values()))[0].metrics[name].higher_is_better
    return Headline(
        name, 1 if better else -1, models, least=0.0 if basis.kind == "harmonic mean" else -math.inf
    )


def _check(models: Mapping[str, Clustered], name: str, methods: Rows) -> None:
    """Raises LeftOut if item scores do not give the value that was reported."""
    for row, seeds in methods.items():
        reported = [m.metrics[name].value or 0.0 for m in seeds if name in m.metrics]
        if reported and not math.isclose(
            float(models[row].estimate().mean()), fmean(reported), rel_tol=1e-6, abs_tol=1e-9
        ):
            raise LeftOut(f"of {row} the item scores give another value")


def hypervolume(
    reference: Mapping[str, float], headlines: Sequence[Headline], methods: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Limits of every method's hypervolume; none where a metric of it has no item scores or is a KS distance."""
    import numpy as np

    from suite.compare.ranking import Headline, Joint

    known = {headline.name: headline for headline in headlines if headline.on_one_grid is None}
    if not reference or not known.keys() >= reference.keys():
        return {}
    signs = np.array([known[name].direction for name in reference])
    corner = np.array(list(reference.values()))

    def volume(values: Any) -> Any:
        return np.maximum(signs * (values - corner), 0).prod(axis=-1)

    models = {m: _joined([known[name].models[m] for name in reference], volume) for m in methods}
    whole = Headline("hypervolume", 1, models, least=0.0)
    return Joint([whole], methods).limits(whole)


def _joined(models: Sequence[Clustered], statistic: Callable[[Any], Any]) -> Clustered:
    """One model's several numbers as one: `statistic` takes their values, (..., len(models)) -> (...)."""
    import numpy as np

    from suite.stats.clustered import Clustered

    names = list(dict.fromkeys(name for model in models for name in model.sums))
    columns: list[dict[str, list[int]]] = [{} for _ in models]
    width = 0
    for name in names:
        for own, model in zip(columns, models, strict=True):
            if name in model.sums:
                own[name] = list(range(width, width + model.counts[name].shape[1]))
                width += len(own[name])
    places = [
        [i for name in m.sums for i in own[name]] for own, m in zip(columns, models, strict=True)
    ]

    def of_means(means: Any) -> Any:
        numbers = [
            model.statistic(means[..., own]) for model, own in zip(models, places, strict=True)
        ]
        return statistic(np.stack(numbers, axis=-1))

    return Clustered(
        {
            name: np.concatenate([m.sums[name] for m in models if name in m.sums], axis=2)
            for name in names
        },
        {
            name: np.concatenate([m.counts[name] for m in models if name in m.sums], axis=1)
            for name in names
        },
        of_means,
    )


def _by_name(name: str, rows: Rows) -> Basis:
    """The item scores that a metric's name speaks of: all of that metric, or of one set."""
    known = list(next(iter(rows.values()))[0].items)
    for spelt in (lambda s, m: m, lambda s, m: f"{s}_{m}", lambda s, m: f"{m}_{s}"):
        if parts := tuple((s, m) for s, m in known if spelt(s, m) == name):
            return Basis(parts)
    raise LeftOut("the benchmark names no item scores for it")


class _Parts:
    """The tables of scores behind a metric, for every row that has all of them on the same items."""

    def __init__(self, basis: Basis, rows: Rows, required: set[str]) -> None:
        import numpy as np

        self.sizes: dict[str, int] = {}
        self.of: dict[str, list[Part]] = {}
        first = next(iter(rows.values()))[0]
        self._ids = {
            part: [item.item_id for item in first.items.get(part, ())] for part in basis.parts
        }
        self._codes = {}
        clusters: dict[str, set[str]] = {}
        for part in basis.parts:
            clusters.setdefault(part[0], set()).update(
                item.cluster_id for item in first.items.get(part, ())
            )
        for part in basis.parts:
            order = sorted(clusters[part[0]])
            self.sizes[part[0]] = len(order)
            codes = np.searchsorted(order, [item.cluster_id for item in first.items.get(part, ())])
            self._codes[part] = codes.astype(np.intp)
        for row, seeds in rows.items():
            try:
                self.of[row] = [self._part(row, part, seeds) for part in basis.parts]
            except LeftOut:
                if row in required:
                    raise

    def _part(self, row: str, part: tuple[str, str], seeds: Sequence[Scored]) -> Part:
        import numpy as np

        from suite.stats.clustered import Part

        tables = [scored.items.get(part, ()) for scored in seeds]
        if not self._ids[part] or any(
            [item.item_id for item in table] != self._ids[part] for table in tables
        ):
            raise LeftOut(f"{row} was not scored on the same items of {'/'.join(part)}")
        values = np.array([[item.value for item in table] for table in tables], dtype=np.float64)
        if not np.isfinite(values).all():
            raise LeftOut(f"{row} lacks item scores of {'/'.join(part)}")
        return Part(values, self._codes[part], part[0])


def _ks(name: str, parts: _Parts, baseline: str | None) -> Headline:
    import numpy as np

    from suite.compare.ranking import Headline
    from suite.stats import clustered

    reference = parts.of.get(baseline or "")
    if reference is None:
        raise LeftOut("no baseline model")
    size = parts.sizes[reference[0].population]

    def distances(*names: str) -> list[Any]:
        grid = np.unique(
            np.concatenate(
                [reference[0].values[0], *(parts.of[n][0].values.ravel() for n in names)]
            )
        )
        return [clustered.ks_distances(parts.of[n][0], reference[0], size, grid) for n in names]

    models = {row: distances(row)[0] for row in parts.of}
    return Headline(name, -1, models, lambda a, b: (distances(a, b)[0], distances(a, b)[1]))


def _mean(means: Any) -> Any:
    return means.mean(axis=-1)


def _harmonic(means: Any) -> Any:
    import numpy as np

    with np.errstate(divide="ignore"):
        return means.shape[-1] / (1 / means).sum(axis=-1)
