"""Several runs side by side. What may differ is said in the report; what cannot be compared is refused (`merged`), or
first set apart (`separated`): in a table or a row of its own that names the run and says why.

Nothing of a run is lost: its cells bring their trajectories, timings and environment along, commands and settings of
all runs are listed, and the methods of all runs are compared anew, item by item, from the runs' answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from suite.api.cells import CellResult
from suite.compare.hypervolume import of_front
from suite.core.errors import UserError
from suite.report.footnotes import NOT_COMPARABLE, describe_environment
from suite.results.samples import Sample
from suite.results.schema import Comparison, Results, Run

_MUST_AGREE = {
    "revision": "other data",
    "baseline": "another baseline",
    "baseline_key": "another baseline model",
    "judge": "another judge",
    "primary": "other headline metrics",
}
"""Fields of a comparison, and what it means if two runs differ in one."""


def merged(
    runs: Sequence[Results], samples: Mapping[str, Sequence[Sample]] | None = None
) -> Results:
    """Join `runs`. Raises UserError if two disagree on data, judge or baseline model, or on the same cell.

    `samples`: each cell's slug -> its answers with their scores, which methods of different runs are compared by.
    """
    comparisons: dict[tuple[str, str, str], Comparison] = {}
    cells: dict[Any, CellResult] = {}
    for results in runs:
        for comparison in results.comparisons:
            known = comparisons.setdefault(comparison.key, comparison)
            comparisons[comparison.key] = _joined(known, comparison)
        for result in results.cells:
            cells[result.cell] = _once(cells.get(result.cell, result), result)
    if not cells:
        raise UserError("nothing to compare: no run has any cell")
    tables = tuple(
        _of_all(known, runs, tuple(cells.values()), samples or {}) for known in comparisons.values()
    )
    return Results(_run([results.run for results in runs]), tables, tuple(cells.values()))


def _of_all(
    joined: Comparison,
    runs: Sequence[Results],
    cells: Sequence[CellResult],
    samples: Mapping[str, Sequence[Sample]],
) -> Comparison:
    """Say anew what depends on all methods of a table, if they were not all in one run."""
    said = [known.evidence for run in runs for known in run.comparisons if known.key == joined.key]
    rows = [{r.cell for r in run.cells if r.cell.table == joined.key} for run in runs]
    rows = [of_run for of_run in rows if of_run]
    if all(one == joined.evidence for one in said) and all(of_run <= rows[0] for of_run in rows):
        return joined
    from suite.compare.stage import from_samples

    found = from_samples(joined, cells, samples)
    return replace(joined, evidence=found, front_hypervolume=of_front(joined, cells))


def separated(runs: Sequence[Results], names: Sequence[str]) -> list[Results]:
    """Rename what stands in the way of `merged`, in every run after the first that has it; the order of cells stays.

    Other data, judge or baseline model: the split becomes "forget10 @ b", a table of its own. Another result of the
    same cell: the method becomes "npo @ b". `names`: what to call the runs.
    """
    known: dict[tuple[str, str, str], Comparison] = {}
    cells: dict[Any, CellResult] = {}
    return [_apart(run, name, known, cells) for run, name in zip(runs, names, strict=True)]


def _apart(
    run: Results,
    name: str,
    known: dict[tuple[str, str, str], Comparison],
    cells: dict[Any, CellResult],
) -> Results:
    comparisons = {c.key: _renamed(c, known.setdefault(c.key, c), name) for c in run.comparisons}
    results = []
    for result in run.cells:
        cell = result.cell
        split = comparisons[cell.benchmark, cell.split, cell.model].split
        moved = replace(result, cell=replace(cell, split=split))
        if not _same(cells.setdefault(moved.cell, moved), moved):
            note = f"another result of {cell.method} than in another run: their settings differ"
            moved = replace(
                moved,
                cell=replace(moved.cell, method=f"{cell.method} @ {name}"),
                notes=(*moved.notes, note),
            )
        results.append(moved)
    return replace(run, comparisons=tuple(comparisons.values()), cells=tuple(results))


def _renamed(comparison: Comparison, known: Comparison, name: str) -> Comparison:
    differing = [
        field for field in _MUST_AGREE if getattr(comparison, field) != getattr(known, field)
    ]
    if not differing:
        return comparison
    values = "; ".join(
        f"{_MUST_AGREE[f]} ({f} {getattr(comparison, f)!r}, not {getattr(known, f)!r})"
        for f in differing
    )
    note = f"{NOT_COMPARABLE} the table {' '.join(known.key)}: {values}."
    return replace(
        comparison, split=f"{comparison.split} @ {name}", notes=(note, *comparison.notes)
    )


def _joined(a: Comparison, b: Comparison) -> Comparison:
    for name in _MUST_AGREE:
        if getattr(a, name) != getattr(b, name):
            raise UserError(
                f"{' '.join(a.key)}: the runs cannot be compared, their {name} differs: "
                f"{getattr(a, name)!r} and {getattr(b, name)!r} (`suite report --compare` shows them apart)"
            )
    return replace(
        a,
        basis=a.basis or b.basis,
        reference_point=a.reference_point or b.reference_point,
        notes=tuple(dict.fromkeys((*a.notes, *b.notes))),
    )


def _once(a: CellResult, b: CellResult) -> CellResult:
    """Keep one of two equal results of a cell, and say if they come from different machines."""
    if not _same(a, b):
        cell = a.cell
        raise UserError(
            f"{cell.method} on {cell.benchmark} {cell.split}, {cell.model}, seed {cell.seed}: two runs hold "
            "different results of this cell; name the settings that differ in the method, e.g. npo:beta=0.05 "
            "(`suite report --compare` shows them apart)"
        )
    kept = a if len(a.metrics) >= len(b.metrics) else b
    if a.environment == b.environment:
        return kept
    where = " and on ".join(describe_environment(each.environment) for each in (a, b))
    return replace(
        kept, notes=tuple(dict.fromkeys((*a.notes, *b.notes, f"the same result on {where}")))
    )


def _same(a: CellResult, b: CellResult) -> bool:
    """Whether two results agree on all that both report; a newer version may report more."""
    first, second = ({metric.name: metric for metric in each.metrics} for each in (a, b))
    shared = first.keys() & second.keys()
    equal = all(first[name] == second[name] for name in shared) and bool(shared) == bool(
        first or second
    )
    return (a.status, a.partial) == (b.status, b.partial) and equal


def _run(runs: Sequence[Run]) -> Run:
    """Join the descriptions; where they differ show all, and say so."""
    notes = [note for run in runs for note in run.notes]
    joined: dict[str, Any] = {}
    for name in ("engine", "dtype", "template", "device"):
        found = list(dict.fromkeys(str(getattr(run, name)) for run in runs))
        joined[name] = " | ".join(found)
        if len(found) > 1:
            notes.append(
                f"The runs differ in {name} ({joined[name]}): compare their rows with care."
            )
    for name in ("versions", "plugins"):
        joined[name] = _dicts([getattr(run, name) for run in runs])
        notes += [
            f"The runs differ in {key} ({v})." for key, v in joined[name].items() if " | " in v
        ]
    configs = [run.config for run in runs]
    same = all(config == configs[0] for config in configs)
    return Run(
        command="\n".join(dict.fromkeys(run.command for run in runs)),
        seeds=tuple(sorted({seed for run in runs for seed in run.seeds})),
        config=configs[0] if same else {"runs": configs},
        notes=tuple(dict.fromkeys(notes)),
        **joined,
    )


def _dicts(dicts: Sequence[dict[str, str]]) -> dict[str, str]:
    names = sorted({name for one in dicts for name in one})
    return {
        name: " | ".join(dict.fromkeys(one[name] for one in dicts if name in one)) for name in names
    }
