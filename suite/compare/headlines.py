"""From item scores to headline metrics that can be drawn again; `suite.compare.ranking` works on
them.

Scored (one cell's items) -> _Parts (arrays, the same items for every row)
    -> Headline (sums by cluster)
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
    from suite.stats.arrays import Codes
    from suite.stats.clustered import Clustered, Part


class LeftOut(Exception):
    """A headline metric cannot be compared by items; the text says why."""


@dataclass(frozen=True)
class Scored:
    """One cell's scores."""

    metrics: Mapping[str, Metric]
    items: Mapping[tuple[str, str], Sequence[ItemScore]]
    """By (set, metric)."""


Rows = Mapping[str, Sequence[Scored]]
"""Method -> its seeds."""


class Declared(Protocol):
    """What a benchmark, or a comparison in results.json, declares about its headline metrics."""

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

    for row, seeds in methods.items():
        if any(name not in scored.metrics for scored in seeds):
            raise LeftOut(f"{row} does not report it")
    rows = {**starts, **methods}
    basis = declared.basis.get(name) or _by_name(name, rows)
    parts = _Parts(basis, rows, required=set(methods))
    if basis.kind == "ks":
        distances = _ks(name, parts, declared.baseline)
        # The metric itself is a p-value; the distance behind it may be reported beside it.
        _check(distances.models, f"{name}_D", methods)
        return distances
    statistic = _mean if basis.kind == "mean" else _harmonic
    models = {}
    for row, tables in parts.of.items():
        models[row] = clustered.means(tables, parts.sizes, statistic)
    _check(models, name, methods)
    first = next(iter(methods.values()))[0]
    direction = 1 if first.metrics[name].higher_is_better else -1
    least = 0.0 if basis.kind == "harmonic mean" else -math.inf
    return Headline(name, direction, models, least=least)


def _check(models: Mapping[str, Clustered], name: str, methods: Rows) -> None:
    """Raises LeftOut if the item scores do not give the value that was reported."""
    for row, seeds in methods.items():
        reported = [s.metrics[name].value or 0.0 for s in seeds if name in s.metrics]
        if not reported:
            continue
        computed = float(models[row].estimate().mean())
        if not math.isclose(computed, fmean(reported), rel_tol=1e-6, abs_tol=1e-9):
            raise LeftOut(f"the item scores of {row} give another value than was reported")


def hypervolume(
    reference: Mapping[str, float], headlines: Sequence[Headline], methods: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Limits of every method's hypervolume.

    Empty where a metric of it has no item scores or is a KS distance, which is not bootstrapped.
    """
    import numpy as np

    from suite.compare.ranking import Headline, Joint

    known = {headline.name: headline for headline in headlines if headline.on_one_grid is None}
    if not reference or not known.keys() >= reference.keys():
        return {}
    axes = [known[name] for name in reference]
    signs = np.array([axis.direction for axis in axes])
    corner = np.array(list(reference.values()))

    def volume(values: Any) -> Any:
        return np.maximum(signs * (values - corner), 0).prod(axis=-1)

    models = {}
    for method in methods:
        metrics = [axis.models[method] for axis in axes]
        models[method] = _joined(metrics, volume)
    whole = Headline("hypervolume", 1, models, least=0.0)
    return Joint([whole], methods).limits(whole)


def _joined(models: Sequence[Clustered], statistic: Callable[[Any], Any]) -> Clustered:
    """One method's several metrics as one, so that they are drawn together.

    The columns of all metrics stand side by side. `statistic` takes the metrics' values,
    (..., len(models)) -> (...).
    """
    import numpy as np

    from suite.stats.clustered import Clustered

    names = list(dict.fromkeys(name for model in models for name in model.sums))
    sums, counts = {}, {}
    for name in names:
        having = [model for model in models if name in model.sums]
        sums[name] = np.concatenate([model.sums[name] for model in having], axis=2)
        counts[name] = np.concatenate([model.counts[name] for model in having], axis=1)
    places = _places(models, names)

    def of_means(means: Any) -> Any:
        values = []
        for model, own in zip(models, places, strict=True):
            values.append(model.statistic(means[..., own]))
        return statistic(np.stack(values, axis=-1))

    return Clustered(sums, counts, of_means)


def _places(models: Sequence[Clustered], names: Sequence[str]) -> list[list[int]]:
    """Which of the joined columns are each model's own, in the order that its statistic expects.

    Joined columns are sorted by population and then by model; a model's own follow the order of the
    populations in its sums.
    """
    columns: list[dict[str, list[int]]] = [{} for _ in models]
    width = 0
    for name in names:
        for own, model in zip(columns, models, strict=True):
            if name in model.sums:
                end = width + model.counts[name].shape[1]
                own[name] = list(range(width, end))
                width = end
    places = []
    for own, model in zip(columns, models, strict=True):
        places.append([place for name in model.sums for place in own[name]])
    return places


def _by_name(name: str, rows: Rows) -> Basis:
    """The item scores that a metric's name speaks of: all of that metric, or of one set."""
    first = next(iter(rows.values()))[0]
    for spelling in ("{metric}", "{set}_{metric}", "{metric}_{set}"):
        parts = []
        for set_name, metric in first.items:
            if spelling.format(set=set_name, metric=metric) == name:
                parts.append((set_name, metric))
        if parts:
            return Basis(tuple(parts))
    raise LeftOut("the benchmark names no item scores for it")


class _Parts:
    """The tables of scores behind a metric, for every row that has all of them on the same items.

    Which items these are, and the cluster of each, is read from the first row.
    """

    def __init__(self, basis: Basis, rows: Rows, required: set[str]) -> None:
        first = next(iter(rows.values()))[0]
        self._items = {part: first.items.get(part, ()) for part in basis.parts}
        self.sizes: dict[str, int] = {}
        """Number of clusters of each set."""
        self._codes: dict[tuple[str, str], Codes] = {}
        self._number_clusters()
        self.of: dict[str, list[Part]] = {}
        """Row -> a table for each part of the basis."""
        for row, seeds in rows.items():
            try:
                self.of[row] = [self._part(row, part, seeds) for part in basis.parts]
            except LeftOut:
                if row in required:
                    raise

    def _number_clusters(self) -> None:
        """Give each item the number of its cluster; parts of one set share their numbers."""
        import numpy as np

        clusters: dict[str, set[str]] = {}
        for (set_name, _), items in self._items.items():
            clusters.setdefault(set_name, set()).update(item.cluster_id for item in items)
        for (set_name, metric), items in self._items.items():
            order = sorted(clusters[set_name])
            self.sizes[set_name] = len(order)
            codes = np.searchsorted(order, [item.cluster_id for item in items])
            self._codes[set_name, metric] = codes.astype(np.intp)

    def _part(self, row: str, part: tuple[str, str], seeds: Sequence[Scored]) -> Part:
        import numpy as np

        from suite.stats.clustered import Part

        expected = _ids(self._items[part])
        values = []
        for scored in seeds:
            table = scored.items.get(part, ())
            if not expected or _ids(table) != expected:
                raise LeftOut(f"{row} was not scored on the same items of {'/'.join(part)}")
            values.append([item.value for item in table])
        numbers = np.array(values, dtype=np.float64)  # a missing value (None) becomes NaN
        if not np.isfinite(numbers).all():
            raise LeftOut(f"{row} lacks item scores of {'/'.join(part)}")
        return Part(numbers, self._codes[part], part[0])


def _ids(items: Sequence[ItemScore]) -> list[str]:
    return [item.item_id for item in items]


def _ks(name: str, parts: _Parts, baseline: str | None) -> Headline:
    """The distance of every row's scores from the baseline model's."""
    import numpy as np

    from suite.compare.ranking import Headline
    from suite.stats import clustered

    tables = {row: found[0] for row, found in parts.of.items()}
    reference = tables.get(baseline or "")
    if reference is None:
        raise LeftOut("no baseline model")
    size = parts.sizes[reference.population]

    def on_grid_of(*rows: str) -> list[Clustered]:
        occurring = [reference.values[0], *(tables[row].values.ravel() for row in rows)]
        grid = np.unique(np.concatenate(occurring))
        return [clustered.ks_distances(tables[row], reference, size, grid) for row in rows]

    def pair(a: str, b: str) -> tuple[Clustered, Clustered]:
        first, second = on_grid_of(a, b)
        return first, second

    models = {row: on_grid_of(row)[0] for row in tables}
    return Headline(name, -1, models, pair)


def _mean(means: Any) -> Any:
    return means.mean(axis=-1)


def _harmonic(means: Any) -> Any:
    import numpy as np

    with np.errstate(divide="ignore"):
        return means.shape[-1] / (1 / means).sum(axis=-1)
