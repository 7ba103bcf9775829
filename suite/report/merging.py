"""Several runs side by side. What cannot be compared is refused, what may differ is said in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from suite.errors import UserError
from suite.results import CellResult, Comparison, Results, Run

_MUST_AGREE = ("revision", "baseline", "baseline_key", "judge", "primary")


def merged(runs: Sequence[Results]) -> Results:
    """Join `runs`. Raises UserError if two disagree on data, judge or baseline model, or on the same cell."""
    comparisons: dict[tuple[str, str, str], Comparison] = {}
    cells: dict[Any, CellResult] = {}
    for results in runs:
        for comparison in results.comparisons:
            known = comparisons.setdefault(comparison.key, comparison)
            comparisons[comparison.key] = _joined(known, comparison)
        for result in results.cells:
            _check_same(cells.setdefault(result.cell, result), result)
    if not cells:
        raise UserError("nothing to compare: no run has any cell")
    return Results(_run([results.run for results in runs]), tuple(comparisons.values()), tuple(cells.values()))


def _joined(a: Comparison, b: Comparison) -> Comparison:
    for name in _MUST_AGREE:
        if getattr(a, name) != getattr(b, name):
            raise UserError(
                f"{' '.join(a.key)}: the runs cannot be compared, their {name} differs: "
                f"{getattr(a, name)!r} and {getattr(b, name)!r}"
            )
    return replace(a, notes=tuple(dict.fromkeys((*a.notes, *b.notes))))


def _check_same(a: CellResult, b: CellResult) -> None:
    if (a.status, a.metrics, a.partial) != (b.status, b.metrics, b.partial):
        cell = a.cell
        raise UserError(
            f"{cell.method} on {cell.benchmark} {cell.split}, {cell.model}, seed {cell.seed}: two runs hold "
            "different results of this cell; name the settings that differ in the method, e.g. npo:beta=0.05"
        )


def _run(runs: Sequence[Run]) -> Run:
    """Join the descriptions; where they differ show all, and say so."""
    notes = [note for run in runs for note in run.notes]
    joined: dict[str, Any] = {}
    for name in ("engine", "dtype", "template", "device"):
        found = list(dict.fromkeys(str(getattr(run, name)) for run in runs))
        joined[name] = " | ".join(found)
        if len(found) > 1:
            notes.append(f"The runs differ in {name} ({joined[name]}): compare their rows with care.")
    for name in ("versions", "plugins"):
        joined[name] = _dicts([getattr(run, name) for run in runs])
        notes += [f"The runs differ in {key} ({v})." for key, v in joined[name].items() if " | " in v]
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
    return {name: " | ".join(dict.fromkeys(one[name] for one in dicts if name in one)) for name in names}
