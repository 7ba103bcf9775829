"""Compare the methods of a table from the item scores of its cells, in one stage after scoring.

    items.jsonl of every method and seed -> `suite.compare.headlines` -> `suite.compare.ranking` -> evidence.json

A draw takes the same clusters (and seeds) for every method. So what makes a question hard for all
methods drops out of every comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.benchmark import Benchmark
from suite.api.cells import Cell, CellResult
from suite.api.scores import Basis, ItemScore
from suite.api.stages import Host, builds
from suite.compare.headlines import Declared, LeftOut, Rows, Scored, headline, hypervolume
from suite.results.evidence import Difference, Evidence
from suite.results.samples import Sample
from suite.results.schema import Comparison
from suite.score.files import read_metrics
from suite.store import Build, Json, Stage, jsonable, read_json, read_jsonl, write_json

if TYPE_CHECKING:
    from suite.compare.ranking import Joint


Run = tuple[int, int]
"""(start seed, seed)."""


@dataclass(frozen=True)
class Headlines:
    """What a benchmark declares of its headline metrics, read back from a stage's spec."""

    baseline: str | None
    basis: Mapping[str, Basis]
    reference_point: Mapping[str, float]


@builds("compare")
def compare_cells(build: Build, context: object) -> None:
    """Compare the cells whose scores are the inputs: evidence.json."""
    from pydantic import TypeAdapter

    spec = build.spec
    methods, starts = (_read_rows(build, spec[rows]) for rows in ("methods", "starts"))
    declared = TypeAdapter(Headlines).validate_python(spec["declared"])
    found = compare(declared, methods, starts, spec["primary"])
    write_json(build.out / "evidence.json", jsonable(asdict(found)))


def comparing(
    host: Host,
    benchmark: Benchmark[Any],
    methods: Mapping[Cell, Stage],
    starts: Mapping[Cell, Stage],
    primary: Sequence[str],
) -> Stage:
    """The stage that compares finished cells by the metrics `primary`.

    `methods`, `starts`: each cell with the score stage of its final checkpoint.
    """
    cells = {**starts, **methods}
    inputs = {_row_name(cell.method, *cell.run): stage for cell, stage in cells.items()}
    declared = Headlines(benchmark.baseline, benchmark.basis, benchmark.reference_point)
    spec: dict[str, Json] = {
        "methods": [[cell.method, *cell.run] for cell in methods],
        "starts": [[cell.method, *cell.run] for cell in starts],
        "primary": list(primary),
        "declared": jsonable(declared),
    }
    return host.stage("compare", spec, inputs, label=f"compare methods on {benchmark.name}")


def _row_name(method: str, start_seed: int, seed: int) -> str:
    return f"{method}, start {start_seed}, seed {seed}"


def _read_rows(build: Build, rows: Sequence[tuple[str, int, int]]) -> Rows:
    """Method -> the scores of its runs."""
    found: dict[str, list[Scored]] = {}
    for method, start_seed, seed in rows:
        folder = build.inputs[_row_name(method, start_seed, seed)]
        found.setdefault(method, []).append(read_scores(folder))
    return found


def read_scores(folder: Path) -> Scored:
    """Read what a score stage left."""
    items: dict[tuple[str, str], list[ItemScore]] = {}
    path = folder / "items.jsonl"
    if path.exists():
        for line in read_jsonl(path):
            items.setdefault((line["set"], line["metric"]), []).append(ItemScore(**line))
    return Scored({metric.name: metric for metric in read_metrics(folder)}, items)


def read_evidence(folder: Path) -> Evidence:
    """Read evidence.json of a compare stage."""
    from pydantic import TypeAdapter

    return TypeAdapter(Evidence).validate_python(read_json(folder / "evidence.json"))


def from_samples(
    comparison: Comparison, results: Sequence[CellResult], samples: Mapping[str, Sequence[Sample]]
) -> Evidence | None:
    """Compare the methods of a table by the scores that are kept with their answers.

    `samples`: answers by the cell's slug. A method is left out if a cell of it is unfinished or has
    no answers. A headline metric whose value does not follow from the scores is left out, and the
    notes say so. None if no method is left.
    """
    cells = [result for result in results if result.cell.table == comparison.key]
    left_out: set[str] = set()
    for result in cells:
        if result.status != "ok" or not samples.get(result.cell.slug):
            left_out.add(result.cell.method)
    kept = [result for result in cells if result.cell.method not in left_out]
    methods, starts = _kept_scores(kept, samples)
    if not methods:
        return None
    if note := _unequal_seeds(methods):
        return Evidence(0, notes=(note,))
    rows: dict[str, list[Scored]] = {}
    for method, by_seed in methods.items():
        # Joint draws of seeds rest on this: the i-th entry is the same seed for all methods.
        rows[method] = [by_seed[seed] for seed in sorted(by_seed)]
    found = compare(comparison, rows, starts, comparison.primary)
    absent: set[str] = set()
    for result in cells:
        finished_method = result.status == "ok" and result.family != "baseline"
        if finished_method and result.cell.method in left_out:
            absent.add(result.cell.method)
    if not absent:
        return found
    names = ", ".join(sorted(absent))
    note = f"Not compared item by item, because their answers are not kept: {names}."
    return replace(found, notes=(*found.notes, note))


def _kept_scores(
    cells: Sequence[CellResult], samples: Mapping[str, Sequence[Sample]]
) -> tuple[dict[str, dict[Run, Scored]], dict[str, list[Scored]]]:
    """Scores of the methods, by method and seed, and of the start models, by name."""
    methods: dict[str, dict[Run, Scored]] = {}
    starts: dict[str, list[Scored]] = {}
    for result in cells:
        cell = result.cell
        metrics = {metric.name: metric for metric in result.metrics}
        scored = Scored(metrics, _items(samples[cell.slug]))
        if result.family == "baseline":
            starts.setdefault(cell.method, []).append(scored)
        else:
            methods.setdefault(cell.method, {})[cell.run] = scored
    return methods, starts


def _unequal_seeds(methods: Mapping[str, Mapping[Run, Scored]]) -> str:
    """Why methods with other seeds are not compared; empty if all have the same."""
    seeds = {method: sorted(by_seed) for method, by_seed in methods.items()}
    first = next(iter(seeds.values()))
    if all(known == first for known in seeds.values()):
        return ""
    each = [f"{method} {_shown(known)}" for method, known in sorted(seeds.items())]
    listed = "; ".join(each)
    return f"Methods were not compared item by item, because their seeds differ: {listed}."


def _shown(runs: Sequence[Run]) -> str:
    """Seeds, behind the start seed where there are several: "0, 1" or "0:0, 1:0"."""
    starts = {start_seed for start_seed, _ in runs}
    if starts == {0}:
        return ", ".join(str(seed) for _, seed in runs)
    return ", ".join(f"{start_seed}:{seed}" for start_seed, seed in runs)


def _items(samples: Sequence[Sample]) -> dict[tuple[str, str], list[ItemScore]]:
    """Scores by (set, metric); of an item that occurs twice the last one."""
    found: dict[tuple[str, str], dict[str, ItemScore]] = {}
    for sample in samples:
        for metric, value in sample.scores.items():
            score = ItemScore(metric, sample.set, sample.item_id, sample.cluster_id, value)
            found.setdefault((sample.set, metric), {})[sample.item_id] = score
    return {key: list(by_id.values()) for key, by_id in found.items()}


def compare(declared: Declared, methods: Rows, starts: Rows, primary: Sequence[str]) -> Evidence:
    """Compare the methods with each other, and every row with the baseline model."""
    from suite.compare.ranking import Joint

    headlines, notes = [], []
    for name in axes(primary, {**starts, **methods}):
        try:
            headlines.append(headline(name, declared, methods, starts))
        except LeftOut as reason:
            notes.append(f"{name}: no comparison by items: {reason}")
    joint = Joint(headlines, sorted(methods))
    everything = [*starts, *sorted(methods)]
    return Evidence(
        family=joint.family,
        standings=tuple(joint.standings()),
        differences=tuple(joint.differences()),
        to_baseline=tuple(_to_baseline(joint, declared.baseline, everything)),
        overall={} if notes else joint.overall(),
        hypervolume=hypervolume(declared.reference_point, headlines, joint.methods),
        notes=tuple(notes),
    )


def axes(primary: Sequence[str], rows: Rows) -> list[str]:
    """The headline metrics that have a better and a worse."""
    directed: set[str] = set()
    for seeds in rows.values():
        for scored in seeds:
            for name, metric in scored.metrics.items():
                if metric.higher_is_better is not None:
                    directed.add(name)
    return [name for name in primary if name in directed]


def _to_baseline(joint: Joint, baseline: str | None, names: Sequence[str]) -> Iterator[Difference]:
    """Every row minus the baseline model."""
    for known in joint.headlines:
        is_distance = known.on_one_grid is not None  # from the baseline model already
        if is_distance or baseline is None or baseline not in known.models:
            continue
        for name in names:
            if name != baseline and name in known.models:
                yield joint.difference(known, name, baseline)
