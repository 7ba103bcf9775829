"""Join the results of several runs.

Runs may differ in engine, versions or machine; the report then says so. They must agree on data,
judge and baseline model, and on the result of a cell that both have: `merged` refuses them if they
do not, and `separated` first moves what differs into a table or a row of its own, which names the
run and says why.

The joined results keep everything: the trajectories, timings and environment of every cell, and the
commands and settings of all runs. Methods of different runs are compared with each other item by
item, from the answers that the runs stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from suite.api.cells import Cell, CellResult
from suite.compare.hypervolume import of_front
from suite.core.errors import UserError
from suite.report.differences import advice, apart, cell_apart, metrics_apart
from suite.report.footnotes import NOT_COMPARABLE
from suite.report.provenance import describe_environment
from suite.report.told import Told, tables_of
from suite.results.robustness import joined
from suite.results.samples import Sample
from suite.results.schema import Comparison, Results, Run

_Key = tuple[str, str, str]
"""Of a table: benchmark, split, model."""
NO_ANSWERS = (
    "Methods are not compared item by item: these runs are joined without their answers, which "
    "`suite run` leaves in the folder samples."
)
SEPARATELY = "`suite report --compare` shows them in separate"


def merged(
    runs: Sequence[Results],
    samples: Mapping[str, Sequence[Sample]] | None = None,
    names: Sequence[str] = (),
) -> Results:
    """Join `runs`.

    `samples`: the slug of each cell -> its answers with their scores, which are needed to compare
    methods of different runs. `names`: what to call the runs. Raises UserError if two runs disagree
    on data, judge or baseline model, or on the result of the same cell; it names the setting that
    differs, with both values.
    """
    names = names or [f"run {number}" for number, _ in enumerate(runs, 1)]
    told: dict[_Key, Told] = {}
    known: dict[Cell, tuple[Told, CellResult]] = {}
    for results, name in zip(runs, names, strict=True):
        own = tables_of(name, results)
        for key, table in own.items():
            told[key] = _join_tables(told[key], table) if key in told else table
        for result in results.cells:
            mine = own[result.cell.table]
            first, earlier = known.get(result.cell, (mine, result))
            known[result.cell] = first, _join_cells(first, mine, earlier, result)
    if not known:
        raise UserError("nothing to compare: none of the runs has a result")
    kept = tuple(result for _, result in known.values())
    tables = [_compare_again(each.table, runs, kept, samples or {}) for each in told.values()]
    return Results(_join_runs([results.run for results in runs]), tuple(tables), kept)


def _compare_again(
    joined: Comparison,
    runs: Sequence[Results],
    cells: Sequence[CellResult],
    samples: Mapping[str, Sequence[Sample]],
) -> Comparison:
    """Compute again what depends on all methods of a table, unless the first run had them all."""
    same_evidence = True
    cells_of_runs = []
    for run in runs:
        for known in run.comparisons:
            if known.key == joined.key and known.evidence != joined.evidence:
                same_evidence = False
        of_run = {result.cell for result in run.cells if result.cell.table == joined.key}
        if of_run:
            cells_of_runs.append(of_run)
    if same_evidence and all(of_run <= cells_of_runs[0] for of_run in cells_of_runs):
        return joined
    from suite.compare.stage import from_samples

    evidence = from_samples(joined, cells, samples)
    if evidence is None and (joined.evidence is not None or not same_evidence):
        joined = replace(joined, notes=(*joined.notes, NO_ANSWERS))
    return replace(joined, evidence=evidence, front_hypervolume=of_front(joined, cells))


def separated(runs: Sequence[Results], names: Sequence[str]) -> list[Results]:
    """Rename what `merged` would refuse, in every run after the first that has it.

    A table with different data, judge or baseline model gets the split "forget10 @ b". A different
    result of the same cell gets the method "npo @ b". `names`: what to call the runs. The order of
    cells stays.
    """
    known: dict[_Key, Told] = {}
    cells: dict[Cell, tuple[Told, CellResult]] = {}
    found = []
    for run, name in zip(runs, names, strict=True):
        found.append(_separate(run, name, known, cells))
    return found


def _separate(
    run: Results,
    name: str,
    known: dict[_Key, Told],
    cells: dict[Cell, tuple[Told, CellResult]],
) -> Results:
    """Rename what differs from `known` and `cells`, which hold what the runs so far contain."""
    own = tables_of(name, run)
    tables = {}
    for key, table in own.items():
        tables[key] = _rename_table(known.setdefault(key, table), table)
    results = []
    for result in run.cells:
        told = own[result.cell.table]
        cell = replace(result.cell, split=tables[result.cell.table].split)
        moved = replace(result, cell=cell)
        first, earlier = cells.setdefault(cell, (told, moved))
        if not _agree(earlier, moved):
            why = cell_apart(first, told, earlier, moved)
            note = f"{first.name} has another result of {cell.method}: {why}"
            renamed = replace(cell, method=f"{cell.method} @ {name}")
            moved = replace(moved, cell=renamed, notes=(*moved.notes, note))
        results.append(moved)
    return replace(run, comparisons=tuple(tables.values()), cells=tuple(results))


def _rename_table(known: Told, told: Told) -> Comparison:
    reasons = apart(known, told)
    table = told.table
    if not reasons:
        return table
    note = f"{NOT_COMPARABLE} the table {' '.join(known.table.key)}: {'. '.join(reasons)}."
    split = f"{table.split} @ {told.name}"
    return replace(table, split=split, notes=(note, *table.notes))


def _join_tables(a: Told, b: Told) -> Told:
    """The table of both runs, as the first run's."""
    first, second = a.table, b.table
    if reasons := apart(a, b):
        raise UserError(
            f"{' '.join(first.key)}: {a.name} and {b.name} cannot be joined: {'. '.join(reasons)} "
            f"({SEPARATELY} tables)"
        )
    keys = {**b.start_keys, **a.start_keys}
    notes = (*first.notes, *second.notes, *_joined_all_the_same(a, b))
    both = replace(
        first,
        baseline_key=", ".join(keys[seed] for seed in sorted(keys)),
        basis=first.basis or second.basis,
        reference_point=first.reference_point or second.reference_point,
        outputs=first.outputs or second.outputs,
        settings=first.settings or second.settings,
        methods={**second.methods, **first.methods},
        sources=first.sources or second.sources,
        robustness=joined(first.robustness, second.robustness, b.name),
        notes=tuple(dict.fromkeys(notes)),
    )
    return replace(a, table=both, joined=keys)


def _joined_all_the_same(a: Told, b: Told) -> Iterator[str]:
    """What a reader should know of two tables that were joined although they differ."""
    first, second = a.start_keys, b.start_keys
    if any(first[seed] != second[seed] for seed in first.keys() & second.keys()):
        yield (
            f"The code of {a.name} and {b.name} differs, but the {a.table.baseline} models have "
            "the same value of every metric, so they count as the same."
        )
    if a.table.smallest_difference != b.table.smallest_difference:
        ours, theirs = map(_written, (a.table, b.table))
        yield (
            f"smallest_difference is {ours} in {a.name} and {theirs} in {b.name}; "
            f"that of {a.name} is used."
        )


def _written(table: Comparison) -> str:
    """The smallest differences of interest as a user sets them."""
    found = [f"{name}={value}" for name, value in sorted(table.smallest_difference.items())]
    return ",".join(found) or "the default"


def _join_cells(a: Told, b: Told, first: CellResult, second: CellResult) -> CellResult:
    """Keep one of two equal results of a cell; add a note if their environments differ."""
    if not _agree(first, second):
        cell = first.cell
        variant = advice(a, b, cell.method)
        hint = f"write it into the method, {variant}; " if variant else ""
        raise UserError(
            f"{cell.method} on {cell.benchmark} {cell.split}, {cell.model}, {cell.shown_run}: "
            f"{a.name} and {b.name} hold different results: {cell_apart(a, b, first, second)} "
            f"({hint}{SEPARATELY} rows)"
        )
    kept = first if len(first.metrics) >= len(second.metrics) else second
    if first.environment == second.environment:
        return kept
    here, there = describe_environment(first.environment), describe_environment(second.environment)
    note = f"two environments gave the same result: {here} | {there}"
    return replace(kept, notes=tuple(dict.fromkeys((*first.notes, *second.notes, note))))


def _agree(a: CellResult, b: CellResult) -> bool:
    """Say whether two results agree on every metric that both report.

    One may report more than the other, because it was made by a newer version.
    """
    if (a.status, a.partial) != (b.status, b.partial):
        return False
    return metrics_apart(a, b) is None


def _join_runs(runs: Sequence[Run]) -> Run:
    """Join the descriptions of runs. Where they differ, show all of them and add a note."""
    notes: list[str] = []
    for run in runs:
        notes += run.notes
    texts = {}
    for name in ("engine", "dtype", "template", "device"):
        values = dict.fromkeys(str(getattr(run, name)) for run in runs)
        texts[name] = " | ".join(values)
        if len(values) > 1:
            notes.append(
                f"The runs differ in {name} ({texts[name]}): compare their rows with care."
            )
    versions = _join_versions([run.versions for run in runs])
    plugins = _join_versions([run.plugins for run in runs])
    for name, text in [*versions.items(), *plugins.items()]:
        if " | " in text:
            notes.append(f"The runs differ in {name} ({text}).")
    seeds: set[int] = set()
    start_seeds: set[int] = set()
    commands: dict[str, None] = {}  # keeps the order and drops repetitions
    for run in runs:
        seeds.update(run.seeds)
        start_seeds.update(run.start_seeds)
        commands[run.command] = None
    configs = [run.config for run in runs]
    same_config = all(config == configs[0] for config in configs)
    return Run(
        command="\n".join(commands),
        seeds=tuple(sorted(seeds)),
        start_seeds=tuple(sorted(start_seeds)),
        config=configs[0] if same_config else {"runs": configs},
        versions=versions,
        plugins=plugins,
        notes=tuple(dict.fromkeys(notes)),
        **texts,
    )


def _join_versions(runs: Sequence[dict[str, str]]) -> dict[str, str]:
    """Name -> version; the different versions of a name are joined: "2.1 | 2.2"."""
    found: dict[str, dict[str, None]] = {}
    for versions in runs:
        for name, version in versions.items():
            found.setdefault(name, {})[version] = None
    return {name: " | ".join(found[name]) for name in sorted(found)}
