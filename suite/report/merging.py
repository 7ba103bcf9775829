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

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from suite.api.cells import CellResult
from suite.compare.hypervolume import of_front
from suite.core.errors import UserError
from suite.report.footnotes import NOT_COMPARABLE
from suite.report.provenance import describe_environment
from suite.report.values import by_name
from suite.results.samples import Sample
from suite.results.schema import Comparison, Results, Run

_MUST_AGREE = {
    "revision": "different data",
    "baseline": "different baselines",
    "baseline_key": "different baseline models",
    "judge": "different judges",
    "primary": "different headline metrics",
}
"""Fields of a comparison, and what it means if two runs differ in one."""


def merged(
    runs: Sequence[Results], samples: Mapping[str, Sequence[Sample]] | None = None
) -> Results:
    """Join `runs`.

    `samples`: the slug of each cell -> its answers with their scores, which are needed to compare
    methods of different runs. Raises UserError if two runs disagree on data, judge or baseline
    model, or on the result of the same cell.
    """
    comparisons: dict[tuple[str, str, str], Comparison] = {}
    cells: dict[Any, CellResult] = {}
    for results in runs:
        for comparison in results.comparisons:
            known = comparisons.setdefault(comparison.key, comparison)
            comparisons[comparison.key] = _join_comparisons(known, comparison)
        for result in results.cells:
            cells[result.cell] = _join_cells(cells.get(result.cell, result), result)
    if not cells:
        raise UserError("nothing to compare: none of the runs has a result")
    kept = tuple(cells.values())
    tables = []
    for comparison in comparisons.values():
        tables.append(_compare_again(comparison, runs, kept, samples or {}))
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
    return replace(joined, evidence=evidence, front_hypervolume=of_front(joined, cells))


def separated(runs: Sequence[Results], names: Sequence[str]) -> list[Results]:
    """Rename what `merged` would refuse, in every run after the first that has it.

    A table with different data, judge or baseline model gets the split "forget10 @ b". A different
    result of the same cell gets the method "npo @ b". `names`: what to call the runs. The order of
    cells stays.
    """
    known: dict[tuple[str, str, str], Comparison] = {}
    cells: dict[Any, CellResult] = {}
    found = []
    for run, name in zip(runs, names, strict=True):
        found.append(_separate(run, name, known, cells))
    return found


def _separate(
    run: Results,
    name: str,
    known: dict[tuple[str, str, str], Comparison],
    cells: dict[Any, CellResult],
) -> Results:
    """Rename what differs from `known` and `cells`, which hold what the runs so far contain."""
    comparisons = {}
    for comparison in run.comparisons:
        first = known.setdefault(comparison.key, comparison)
        comparisons[comparison.key] = _rename_comparison(comparison, first, name)
    results = []
    for result in run.cells:
        cell = replace(result.cell, split=comparisons[result.cell.table].split)
        moved = replace(result, cell=cell)
        if not _agree(cells.setdefault(cell, moved), moved):
            note = f"another run has another result of {cell.method}: their settings differ"
            renamed = replace(cell, method=f"{cell.method} @ {name}")
            moved = replace(moved, cell=renamed, notes=(*moved.notes, note))
        results.append(moved)
    return replace(run, comparisons=tuple(comparisons.values()), cells=tuple(results))


def _rename_comparison(comparison: Comparison, known: Comparison, name: str) -> Comparison:
    reasons = []
    for field, meaning in _MUST_AGREE.items():
        here, there = getattr(comparison, field), getattr(known, field)
        if here != there:
            reasons.append(f"{meaning} ({field} {here!r}, not {there!r})")
    if not reasons:
        return comparison
    note = f"{NOT_COMPARABLE} the table {' '.join(known.key)}: {'; '.join(reasons)}."
    split = f"{comparison.split} @ {name}"
    return replace(comparison, split=split, notes=(note, *comparison.notes))


def _join_comparisons(a: Comparison, b: Comparison) -> Comparison:
    for field in _MUST_AGREE:
        first, second = getattr(a, field), getattr(b, field)
        if first != second:
            raise UserError(
                f"{' '.join(a.key)}: the runs cannot be compared, their {field} differs: "
                f"{first!r} and {second!r} "
                "(`suite report --compare` shows them in separate tables)"
            )
    return replace(
        a,
        basis=a.basis or b.basis,
        reference_point=a.reference_point or b.reference_point,
        outputs=a.outputs or b.outputs,
        notes=tuple(dict.fromkeys((*a.notes, *b.notes))),
    )


def _join_cells(a: CellResult, b: CellResult) -> CellResult:
    """Keep one of two equal results of a cell; add a note if their environments differ."""
    if not _agree(a, b):
        cell = a.cell
        raise UserError(
            f"{cell.method} on {cell.benchmark} {cell.split}, {cell.model}, {cell.shown_run}: two "
            "runs hold different results of this cell; write the settings that differ into the "
            "method, e.g. npo:beta=0.05 "
            "(`suite report --compare` shows the results in separate rows)"
        )
    kept = a if len(a.metrics) >= len(b.metrics) else b
    if a.environment == b.environment:
        return kept
    first, second = describe_environment(a.environment), describe_environment(b.environment)
    note = f"two environments gave the same result: {first} | {second}"
    return replace(kept, notes=tuple(dict.fromkeys((*a.notes, *b.notes, note))))


def _agree(a: CellResult, b: CellResult) -> bool:
    """Say whether two results agree on every metric that both report.

    One may report more than the other, because it was made by a newer version.
    """
    if (a.status, a.partial) != (b.status, b.partial):
        return False
    first, second = by_name(a.metrics), by_name(b.metrics)
    shared = first.keys() & second.keys()
    if not shared:
        return not first and not second
    return all(first[name] == second[name] for name in shared)


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
