"""Compare the methods of a table from the item scores of its cells, in one stage after scoring.

    items.jsonl of every method and seed -> `suite.compare.headlines`
        -> `suite.compare.ranking` -> evidence.json

A draw takes the same clusters (and seeds) for every method. So what makes a question hard for all
methods drops out of every comparison.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from suite.api.benchmark import Benchmark
from suite.api.cells import Cell, CellResult
from suite.api.finished import FINISHED
from suite.api.scores import Basis, ItemScore
from suite.api.stages import Host, builds
from suite.compare.headlines import Declared, headline, hypervolume
from suite.compare.parts import LeftOut, Rows, Scored
from suite.results.evidence import Difference, Evidence
from suite.results.samples import Sample
from suite.results.schema import Comparison
from suite.score.files import read_metrics
from suite.store import Build, Json, Stage, jsonable, read_json, read_jsonl, write_json

if TYPE_CHECKING:
    from suite.compare.number import Headline
    from suite.compare.ranking import Joint


Made = TypeVar("Made")
"""What a cell is given as: its score stage, or all that is planned of it."""


@dataclass(frozen=True)
class Headlines:
    """What a benchmark declares of its headline metrics, read back from a stage's spec."""

    baseline: str | None
    basis: Mapping[str, Basis]
    reference_point: Mapping[str, float]
    smallest_difference: Mapping[str, float] = field(default_factory=dict)
    runs_are_drawn: bool = True
    compares_every_start: bool = False


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
    smallest_difference: Mapping[str, float],
    *,
    drawn: bool = True,
) -> Stage:
    """The stage that compares finished cells by the metrics `primary`.

    `methods`, `starts`: each cell with the score stage of its final checkpoint. `drawn`: whether
    any of the methods trained.
    """
    cells = {**starts, **methods}
    inputs = {_row_name(*_row(cell)): stage for cell, stage in cells.items()}
    declared = Headlines(
        benchmark.baseline,
        benchmark.basis,
        benchmark.reference_point,
        smallest_difference,
        benchmark.runs_are_drawn and drawn,
        benchmark.compares_every_start,
    )
    spec: dict[str, Json] = {
        "methods": [list(_row(cell)) for cell in methods],
        "starts": [list(_row(cell)) for cell in starts],
        "primary": list(primary),
        "declared": jsonable(declared),
    }
    return host.stage("compare", spec, inputs, label=f"compare methods on {benchmark.name}")


def in_every_run(fixed: Mapping[Cell, Made], methods: Iterable[Cell]) -> dict[Cell, Made]:
    """Finished models beside methods with several runs: each is the same model in every run.

    So a difference varies with the method's runs only, and is one from that very model.
    """
    runs = dict.fromkeys(cell.run for cell in methods)
    found: dict[Cell, Made] = {}
    for cell, value in fixed.items():
        for start, seed in runs or (cell.run,):
            found[replace(cell, start_seed=start, seed=seed)] = value
    return found


def _row(cell: Cell) -> tuple[str, int, int]:
    """Method, seed of the start model, seed."""
    return cell.method, *cell.run


def _row_name(method: str, start: int, seed: int) -> str:
    return f"{method}, start {start}, seed {seed}"


def _read_rows(build: Build, rows: Sequence[tuple[str, int, int]]) -> Rows:
    """Method -> the scores of its runs."""
    found: dict[str, list[Scored]] = {}
    for method, start, seed in rows:
        scored = read_scores(build.inputs[_row_name(method, start, seed)])
        found.setdefault(method, []).append(replace(scored, start=start, seed=seed))
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
    fixed = {result.cell.method for result in kept if result.family == FINISHED}
    drawn = bool(methods.keys() - fixed)
    _repeat(methods, fixed)
    if note := _unequal_runs(methods):
        return Evidence(0, notes=(note,))
    rows: dict[str, list[Scored]] = {}
    for method, by_run in methods.items():
        # Joint draws of runs rest on this: the i-th entry is the same run for all methods.
        rows[method] = [by_run[run] for run in sorted(by_run)]
    declared = replace(comparison, runs_are_drawn=comparison.runs_are_drawn and drawn)
    found = compare(declared, rows, starts, comparison.primary)
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
) -> tuple[dict[str, dict[tuple[int, int], Scored]], dict[str, list[Scored]]]:
    """Scores of the methods, by method and run (start, seed), and of the start models, by name."""
    methods: dict[str, dict[tuple[int, int], Scored]] = {}
    starts: dict[str, list[Scored]] = {}
    for result in cells:
        method, start, seed = _row(result.cell)
        metrics = {metric.name: metric for metric in result.metrics}
        scored = Scored(metrics, _items(samples[result.cell.slug]), start, seed)
        if result.family == "baseline":
            starts.setdefault(method, []).append(scored)
        else:
            methods.setdefault(method, {})[start, seed] = scored
    return methods, starts


def _repeat(methods: dict[str, dict[tuple[int, int], Scored]], fixed: Collection[str]) -> None:
    """Let finished models be the same in every run of the methods, as `in_every_run` does."""
    runs: dict[tuple[int, int], None] = {}
    for method, by_run in methods.items():
        if method not in fixed:
            runs.update(dict.fromkeys(by_run))
    for method in fixed:
        scored = next(iter(methods[method].values()))
        methods[method] = {
            (start, seed): replace(scored, start=start, seed=seed)
            for start, seed in runs or methods[method]
        }


def _unequal_runs(methods: Mapping[str, Mapping[tuple[int, int], Scored]]) -> str:
    """Why methods with other seeds are not compared; empty if all have the same."""
    runs = {method: sorted(by_run) for method, by_run in methods.items()}
    first = next(iter(runs.values()))
    if all(known == first for known in runs.values()):
        return ""
    several = len({start for known in runs.values() for start, _ in known}) > 1
    each = []
    for method, known in sorted(runs.items()):
        texts = [f"{start}/{seed}" if several else str(seed) for start, seed in known]
        each.append(f"{method} {', '.join(texts)}")
    what = "start models and seeds" if several else "seeds"
    listed = "; ".join(each)
    return f"Methods were not compared item by item, because their {what} differ: {listed}."


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

    headlines: list[Headline] = []
    notes: list[str] = []
    wanted = axes(primary, {**starts, **methods})
    for name in wanted:
        try:
            headlines.append(headline(name, declared, methods, starts, notes))
        except LeftOut as reason:
            notes.append(f"{name}: no comparison by items: {reason}")
    joint = Joint(headlines, sorted(methods), runs_are_drawn=declared.runs_are_drawn)
    untested = [name for name in wanted if not joint.tested.get(name)]
    everything = [*starts, *sorted(methods)]
    return Evidence(
        family=joint.family,
        standings=tuple(joint.standings()),
        differences=tuple(joint.differences()),
        to_baseline=tuple(_to_baseline(joint, declared.baseline, everything)),
        overall={} if len(headlines) < len(wanted) else joint.overall(),
        hypervolume=hypervolume(declared.reference_point, headlines, joint.methods),
        notes=(*notes, *joint.warnings()),
        starts=joint.starts,
        seeds=joint.seeds,
        claims=joint.claims,
        untested=tuple(untested) if len(methods) > 1 else (),
        of_interest={known.name: known.of_interest for known in headlines},
        by_labels=tuple(
            name for name, family in joint.families.items() if family.testable and family.by_max_t
        ),
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
        is_distance = known.is_distance  # from the baseline model already
        if is_distance or baseline is None or baseline not in known.models:
            continue
        for name in names:
            if name != baseline and name in known.models:
                yield joint.difference(known, name, baseline)
