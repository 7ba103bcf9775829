"""From the item scores of all cells of a table to `suite.results.evidence`: one stage, made when all cells are scored.

    items.jsonl of every method and seed -> `suite.compare.headlines` -> `suite.compare.ranking` -> evidence.json

A draw takes the same clusters (and seeds) for every method, so that what makes a question hard for all of them drops
out of every comparison.
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
    """The stage that compares finished cells by the metrics `primary`, given as cell -> score stage of its final
    checkpoint."""
    inputs = {
        _row_name(cell.method, cell.seed): each for cell, each in {**starts, **methods}.items()
    }
    declared = Headlines(benchmark.baseline, benchmark.basis, benchmark.reference_point)
    spec: dict[str, Json] = {
        "methods": [[cell.method, cell.seed] for cell in methods],
        "starts": [[cell.method, cell.seed] for cell in starts],
        "primary": list(primary),
        "declared": jsonable(declared),
    }
    return host.stage("compare", spec, inputs, label=f"compare methods on {benchmark.name}")


def _row_name(method: str, seed: int) -> str:
    return f"{method}, seed {seed}"


def _read_rows(build: Build, rows: Sequence[tuple[str, int]]) -> Rows:
    """Method -> the scores of its seeds."""
    found: dict[str, list[Scored]] = {}
    for method, seed in rows:
        folder = build.inputs[_row_name(method, seed)]
        found.setdefault(method, []).append(read_scores(folder))
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


def from_samples(
    comparison: Comparison, results: Sequence[CellResult], samples: Mapping[str, Sequence[Sample]]
) -> Evidence | None:
    """Compare the methods of a table by the scores that stand beside their answers; None where there is none.

    A headline metric whose value does not follow from those scores is left out, and the notes say so.
    """
    cells = [r for r in results if r.cell.table == comparison.key]
    left_out = {r.cell.method for r in cells if r.status != "ok" or not samples.get(r.cell.slug)}
    methods: dict[str, dict[int, Scored]] = {}
    starts: dict[str, list[Scored]] = {}
    for r in (r for r in cells if r.cell.method not in left_out):
        scored = Scored({metric.name: metric for metric in r.metrics}, _items(samples[r.cell.slug]))
        if r.family == "baseline":
            starts.setdefault(r.cell.method, []).append(scored)
        else:
            methods.setdefault(r.cell.method, {})[r.cell.seed] = scored
    if not methods:
        return None
    seeds = {method: sorted(known) for method, known in methods.items()}
    if len({tuple(known) for known in seeds.values()}) > 1:
        each = "; ".join(
            f"{method} {', '.join(map(str, known))}" for method, known in sorted(seeds.items())
        )
        return Evidence(
            0, notes=(f"Methods were not compared item by item, for their seeds differ: {each}.",)
        )
    rows = {method: [known[seed] for seed in sorted(known)] for method, known in methods.items()}
    found = compare(comparison, rows, starts, comparison.primary)
    absent = sorted(
        {r.cell.method for r in cells if r.status == "ok" and r.family != "baseline"} & left_out
    )
    note = f"Not compared item by item, for no answers of them are kept: {', '.join(absent)}."
    return replace(found, notes=(*found.notes, note)) if absent else found


def _items(samples: Sequence[Sample]) -> dict[tuple[str, str], list[ItemScore]]:
    found: dict[tuple[str, str], dict[str, ItemScore]] = {}
    for sample in samples:
        for metric, value in sample.scores.items():
            score = ItemScore(metric, sample.set, sample.item_id, sample.cluster_id, value)
            found.setdefault((sample.set, metric), {})[sample.item_id] = score
    return {key: list(items.values()) for key, items in found.items()}


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
    return Evidence(
        joint.family,
        tuple(joint.standings()),
        tuple(joint.differences()),
        tuple(_to_baseline(joint, declared.baseline, [*starts, *sorted(methods)])),
        {} if notes else joint.overall(),
        hypervolume(declared.reference_point, headlines, joint.methods),
        tuple(notes),
    )


def axes(primary: Sequence[str], rows: Rows) -> list[str]:
    """The headline metrics that have a better and a worse."""
    known = [scored.metrics for seeds in rows.values() for scored in seeds]
    return [
        n for n in primary if any(n in ms and ms[n].higher_is_better is not None for ms in known)
    ]


def _to_baseline(joint: Joint, baseline: str | None, names: Sequence[str]) -> Iterator[Difference]:
    """Every row minus the baseline model; a KS distance is one to the baseline already."""
    for known in joint.headlines:
        if known.on_one_grid is None and baseline is not None and baseline in known.models:
            for name in names:
                if name != baseline and name in known.models:
                    yield joint.difference(known, name, baseline)
