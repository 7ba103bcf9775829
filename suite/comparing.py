"""From the item scores of all cells of a table to `suite.evidence`: one stage, made when all cells are scored.

    items.jsonl of every method and seed -> parts -> headlines (`suite.standing`) -> evidence.json

A draw takes the same clusters (and seeds) for every method, so that what makes a question hard for all of them drops
out of every comparison.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from suite.benchmark import Basis, Benchmark, ItemScore, Metric
from suite.evidence import Difference, Evidence
from suite.results import Cell
from suite.scoring import read_metrics
from suite.store import Build, Json, Stage, read_json, read_jsonl, write_json
from suite.work import jsonable

if TYPE_CHECKING:
    from suite.standing import Headline, Joint
    from suite.stats.clustered import Part

CODE = ("suite.comparing", "suite.standing", "suite.evidence", "suite.stats")


class _LeftOut(Exception):
    """Nothing can be said of a headline metric; the text says why."""


@dataclass(frozen=True)
class Scored:
    """One cell's scores."""

    metrics: Mapping[str, Metric]
    items: Mapping[tuple[str, str], Sequence[ItemScore]]
    """By (set, metric)."""


Rows = Mapping[str, Sequence[Scored]]
"""Method -> its seeds."""


def comparing(
    benchmark: Benchmark[Any], methods: Mapping[Cell, Stage], starts: Mapping[Cell, Stage], primary: Sequence[str]
) -> Stage:
    """The stage that compares finished cells by the metrics `primary`, given as cell -> score stage of its final
    checkpoint."""
    cells = {**starts, **methods}
    inputs = {f"{cell.method}, seed {cell.seed}": stage for cell, stage in cells.items()}

    def build(build: Build) -> None:
        read = {cell: read_scores(build.inputs[name]) for cell, name in zip(cells, inputs, strict=True)}
        found = compare(benchmark, _rows(methods, read), _rows(starts, read), primary)
        write_json(build.out / "evidence.json", jsonable(asdict(found)))

    spec: dict[str, Json] = {
        "methods": [[cell.method, cell.seed] for cell in methods],
        "primary": list(primary),
        "baseline": benchmark.baseline,
        "basis": jsonable(benchmark.basis),
    }
    return Stage("compare", spec, build, inputs, CODE, f"compare methods on {benchmark.name}")


def _rows(cells: Mapping[Cell, Stage], read: Mapping[Cell, Scored]) -> Rows:
    found: dict[str, list[Scored]] = {}
    for cell in cells:
        found.setdefault(cell.method, []).append(read[cell])
    return found


def read_scores(folder: Path) -> Scored:
    """Read what a score stage left."""
    items: dict[tuple[str, str], list[ItemScore]] = {}
    path = folder / "items.jsonl"
    for line in read_jsonl(path) if path.exists() else ():
        items.setdefault((line["set"], line["metric"]), []).append(ItemScore(**line))
    return Scored({metric.name: metric for metric in read_metrics(folder)}, items)


def read_evidence(folder: Path) -> Evidence:
    """Read evidence.json of a compare stage."""
    from pydantic import TypeAdapter

    return TypeAdapter(Evidence).validate_python(read_json(folder / "evidence.json"))


def compare(benchmark: Benchmark[Any], methods: Rows, starts: Rows, primary: Sequence[str]) -> Evidence:
    """Compare the methods with each other, and every row with the baseline model."""
    from suite.standing import Joint

    headlines, notes = [], []
    for name in axes(primary, {**starts, **methods}):
        try:
            headlines.append(_headline(name, benchmark, methods, starts))
        except _LeftOut as reason:
            notes.append(f"{name}: no comparison by items: {reason}")
    joint = Joint(headlines, sorted(methods))
    return Evidence(
        joint.family,
        tuple(joint.standings()),
        tuple(joint.differences()),
        tuple(_to_baseline(joint, benchmark.baseline, [*starts, *sorted(methods)])),
        {} if notes else joint.overall(),
        tuple(notes),
    )


def axes(primary: Sequence[str], rows: Rows) -> list[str]:
    """The headline metrics that have a better and a worse."""
    known = [scored.metrics for seeds in rows.values() for scored in seeds]
    return [n for n in primary if any(n in ms and ms[n].higher_is_better is not None for ms in known)]


def _to_baseline(joint: Joint, baseline: str | None, names: Sequence[str]) -> Iterator[Difference]:
    """Every row minus the baseline model; a KS distance is one to the baseline already."""
    for headline in joint.headlines:
        if headline.on_one_grid is None and baseline is not None and baseline in headline.models:
            for name in names:
                if name != baseline and name in headline.models:
                    yield joint.difference(headline, name, baseline)


def _headline(name: str, benchmark: Benchmark[Any], methods: Rows, starts: Rows) -> Headline:
    """Sum up a metric's item scores by cluster. Raises _LeftOut."""
    from suite.standing import Headline
    from suite.stats import clustered

    if lacking := [row for row, seeds in methods.items() if any(name not in m.metrics for m in seeds)]:
        raise _LeftOut(f"{lacking[0]} does not report it")
    basis = benchmark.basis.get(name) or _by_name(name, {**starts, **methods})
    parts = _Parts(basis, {**starts, **methods}, required=set(methods))
    if basis.kind == "ks":
        return _ks(name, parts, benchmark.baseline)
    statistic = _mean if basis.kind == "mean" else _harmonic
    models = {row: clustered.means(found, parts.sizes, statistic) for row, found in parts.of.items()}
    reported = {row: fmean(m.metrics[name].value or 0.0 for m in seeds) for row, seeds in methods.items()}
    for row, value in reported.items():
        if not math.isclose(float(models[row].estimate().mean()), value, rel_tol=1e-6, abs_tol=1e-9):
            raise _LeftOut(f"of {row} the item scores give another value")
    better = next(iter(methods.values()))[0].metrics[name].higher_is_better
    return Headline(name, 1 if better else -1, models)


def _by_name(name: str, rows: Rows) -> Basis:
    """The item scores that a metric's name speaks of: all of that metric, or of one set."""
    known = list(next(iter(rows.values()))[0].items)
    for spelt in (lambda s, m: m, lambda s, m: f"{s}_{m}", lambda s, m: f"{m}_{s}"):
        if parts := tuple((s, m) for s, m in known if spelt(s, m) == name):
            return Basis(parts)
    raise _LeftOut("the benchmark names no item scores for it")


class _Parts:
    """The tables of scores behind a metric, for every row that has all of them on the same items."""

    def __init__(self, basis: Basis, rows: Rows, required: set[str]) -> None:
        import numpy as np

        self.sizes: dict[str, int] = {}
        self.of: dict[str, list[Part]] = {}
        first = next(iter(rows.values()))[0]
        self._ids = {part: [item.item_id for item in first.items.get(part, ())] for part in basis.parts}
        self._codes = {}
        clusters: dict[str, set[str]] = {}
        for part in basis.parts:
            clusters.setdefault(part[0], set()).update(item.cluster_id for item in first.items.get(part, ()))
        for part in basis.parts:
            order = sorted(clusters[part[0]])
            self.sizes[part[0]] = len(order)
            codes = np.searchsorted(order, [item.cluster_id for item in first.items.get(part, ())])
            self._codes[part] = codes.astype(np.intp)
        for row, seeds in rows.items():
            try:
                self.of[row] = [self._part(row, part, seeds) for part in basis.parts]
            except _LeftOut:
                if row in required:
                    raise

    def _part(self, row: str, part: tuple[str, str], seeds: Sequence[Scored]) -> Part:
        import numpy as np

        from suite.stats.clustered import Part

        tables = [scored.items.get(part, ()) for scored in seeds]
        if not self._ids[part] or any([item.item_id for item in table] != self._ids[part] for table in tables):
            raise _LeftOut(f"{row} was not scored on the same items of {'/'.join(part)}")
        values = np.array([[item.value for item in table] for table in tables], dtype=np.float64)
        if not np.isfinite(values).all():
            raise _LeftOut(f"{row} lacks item scores of {'/'.join(part)}")
        return Part(values, self._codes[part], part[0])


def _ks(name: str, parts: _Parts, baseline: str | None) -> Headline:
    import numpy as np

    from suite.standing import Headline
    from suite.stats import clustered

    reference = parts.of.get(baseline or "")
    if reference is None:
        raise _LeftOut("no baseline model")
    size = parts.sizes[reference[0].population]

    def distances(*names: str) -> list[Any]:
        grid = np.unique(np.concatenate([reference[0].values[0], *(parts.of[n][0].values.ravel() for n in names)]))
        return [clustered.ks_distances(parts.of[n][0], reference[0], size, grid) for n in names]

    models = {row: distances(row)[0] for row in parts.of}
    return Headline(name, -1, models, lambda a, b: (distances(a, b)[0], distances(a, b)[1]))


def _mean(means: Any) -> Any:
    return means.mean(axis=-1)


def _harmonic(means: Any) -> Any:
    import numpy as np

    with np.errstate(divide="ignore"):
        return means.shape[-1] / (1 / means).sum(axis=-1)
