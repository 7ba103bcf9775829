"""From item scores to headline metrics that can be drawn again; `suite.compare.ranking` works on
them.

Scored (one cell's items) -> Parts (arrays, the same items for every row)
    -> Headline (sums by cluster)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol

from suite.api.scores import Basis
from suite.compare.parts import LeftOut, Parts, Rows, Scored

if TYPE_CHECKING:
    from suite.compare.number import Headline
    from suite.stats.arrays import Codes
    from suite.stats.clustered import Clustered, Part


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

    @property
    def smallest_difference(self) -> Mapping[str, float]:
        """See `Benchmark.smallest_difference`."""

    @property
    def runs_are_drawn(self) -> bool:
        """See `Benchmark.runs_are_drawn`."""

    @property
    def compares_every_start(self) -> bool:
        """See `Benchmark.compares_every_start`."""


def headline(
    name: str, declared: Declared, methods: Rows, starts: Rows, notes: list[str] | None = None
) -> Headline:
    """Sum up a metric's item scores by cluster. Raises LeftOut.

    A method that lacks the metric is left out of it, and `notes` says so; so are single items that
    some row has no score of.
    """
    from suite.compare.number import Headline
    from suite.stats import clustered

    said = notes if notes is not None else []
    reporting = {row: runs for row, runs in methods.items() if all(name in s.metrics for s in runs)}
    if not reporting:
        raise LeftOut("no method reports it")
    rows = {**starts, **reporting}
    basis = declared.basis.get(name) or _by_name(name, reporting)
    parts = Parts(basis, rows, needed=None if basis.kind != "ks" else declared.baseline)
    of = _comparable(name, basis, declared, methods, parts, said)
    is_ks = basis.kind == "ks"
    if is_ks:
        models = _ks(of, parts.sizes, declared)
    else:
        statistic = _mean if basis.kind == "mean" else _harmonic
        models = {
            row: clustered.means(tables, parts.sizes, statistic) for row, tables in of.items()
        }
    better = next(iter(reporting.values()))[0].metrics[name].higher_is_better
    return Headline(
        name,
        1 if better and not is_ks else -1,  # of a distance less is better
        models,
        is_distance=is_ks,
        least=0.0 if basis.kind == "harmonic mean" else -math.inf,
        is_share=basis.kind == "mean" and _all_are(of, {0.0, 1.0}),
        of_interest=_of_interest(name, basis, declared, of),
    )


def _comparable(
    name: str,
    basis: Basis,
    declared: Declared,
    methods: Rows,
    parts: Parts,
    said: list[str],
) -> Mapping[str, Sequence[Part]]:
    """The tables of every row whose item scores give what it reported; `said` names the others.
    Raises LeftOut where no method is left, or only one of several."""
    of = dict(parts.of)
    for row in methods:
        why = parts.why.get(row) or ("" if row in of else f"{row} does not report it")
        why = why or _unlike(name, basis, declared, parts, row, methods[row])
        if why:
            said.append(f"{name}: {row} was not compared: {why}.")
            of.pop(row, None)
    left = [row for row in methods if row in of]
    if not left:
        raise LeftOut("no method has its item scores")
    if len(left) < min(2, len(methods)):
        raise LeftOut(f"only {left[0]} has its item scores")
    return parts.without_gaps(of, said, name)


def _of_interest(
    name: str, basis: Basis, declared: Declared, of: Mapping[str, Sequence[Part]]
) -> float:
    import numpy as np

    from suite.compare import interest

    if name in declared.smallest_difference:
        return declared.smallest_difference[name]
    largest = max(float(np.abs(part.values).max()) for parts in of.values() for part in parts)
    return interest.default(basis.kind, largest)


def _all_are(of: Mapping[str, Sequence[Part]], values: set[float]) -> bool:
    import numpy as np

    return all(np.isin(part.values, list(values)).all() for parts in of.values() for part in parts)


def _unlike(
    name: str, basis: Basis, declared: Declared, parts: Parts, row: str, runs: Sequence[Scored]
) -> str:
    """Why a row's item scores do not give the value that it reported; "" if they do."""
    import numpy as np

    # The metric itself is a p-value; the distance behind it may be reported beside it.
    reported_as = f"{name}_D" if basis.kind == "ks" else name
    reported = [s.metrics[reported_as].value or 0.0 for s in runs if reported_as in s.metrics]
    if not reported or row not in parts.of:
        return ""
    if basis.kind == "ks":
        if parts.needed not in parts.of:
            return ""
        both = {key: parts.of[key] for key in (row, str(parts.needed))}
        complete = parts.without_gaps(both, [], name)
        computed = float(_ks(complete, parts.sizes, declared)[row].estimate().mean())
    else:
        means = [np.nanmean(table.values, axis=1) for table in parts.of[row]]
        statistic = _mean if basis.kind == "mean" else _harmonic
        computed = float(statistic(np.stack(means, axis=-1)).mean())
    if math.isclose(computed, fmean(reported), rel_tol=1e-6, abs_tol=1e-9):
        return ""
    return "its item scores give another value than it reported"


def hypervolume(
    reference: Mapping[str, float], headlines: Sequence[Headline], methods: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Limits of every method's hypervolume.

    Empty where a metric of it has no item scores or is a KS distance, which is not bootstrapped.
    """
    import numpy as np

    from suite.compare.number import Headline
    from suite.compare.ranking import Joint

    known = {headline.name: headline for headline in headlines if not headline.is_distance}
    if not reference or not known.keys() >= reference.keys():
        return {}
    axes = [known[name] for name in reference]
    signs = np.array([axis.direction for axis in axes])
    corner = np.array(list(reference.values()))

    def volume(values: Any) -> Any:
        return np.maximum(signs * (values - corner), 0).prod(axis=-1)

    models = {}
    for method in [m for m in methods if all(m in axis.models for axis in axes)]:
        metrics = [axis.models[method] for axis in axes]
        models[method] = _joined(metrics, volume)
    whole = Headline("hypervolume", 1, models, least=0.0)
    return Joint([whole], list(models)).limits(whole)


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

    return Clustered(sums, counts, of_means, models[0].starts)


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


def _ks(
    of: Mapping[str, Sequence[Part]], sizes: Mapping[str, int], declared: Declared
) -> dict[str, Clustered]:
    """The distance of every row's scores from the baseline models'."""
    from suite.stats import clustered

    tables = {row: parts[0] for row, parts in of.items()}
    reference = tables.get(declared.baseline or "")
    if reference is None:
        raise LeftOut("no baseline model")
    size = sizes[reference.population]
    models = {}
    for row, table in tables.items():
        rivals = _rivals(table, len(reference.values), declared, row == declared.baseline)
        models[row] = clustered.ks_distances(table, reference, size, rivals)
    return models


def _rivals(table: Part, references: int, declared: Declared, is_baseline: bool) -> Codes:
    """Which baseline models each run is compared with, (R, K): that of its own start, or those of
    all starts. A baseline model is compared with the others, if there are any."""
    import numpy as np

    runs = len(table.values)
    if not declared.compares_every_start or references == 1:
        starts = np.arange(runs) // (runs // table.starts)
        return np.minimum(starts, references - 1)[:, None]
    everyone = np.tile(np.arange(references), (runs, 1))
    if not is_baseline:
        return everyone
    others = [np.delete(known, run) for run, known in enumerate(everyone)]
    return np.stack(others)


def _mean(means: Any) -> Any:
    return means.mean(axis=-1)


def _harmonic(means: Any) -> Any:
    import numpy as np

    with np.errstate(divide="ignore"):
        return means.shape[-1] / (1 / means).sum(axis=-1)
