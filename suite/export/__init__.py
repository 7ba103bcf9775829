"""A run in other tools' formats: one folder for each cell that has answers, or one table of all items.

    export(results, samples, Path("out"), "lm-eval")  ->  [out/<cell>/results_suite.json, ...]

Answers come from `<run>/samples`; items that are only scored, never answered (pairs), have none there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from suite.api.cells import CellResult
from suite.core.errors import UserError
from suite.results.samples import Sample
from suite.results.schema import Results

FORMATS = ("lm-eval", "csv", "open-unlearning")

Samples = Mapping[str, Sequence[Sample]]
Files = dict[str, str]
"""Name below the folder -> content."""


def export(results: Results, samples: Samples, out: Path, name: str) -> list[Path]:
    """Write the run in the format `name`; return the paths. Raises UserError, before writing, if nothing fits it."""
    from suite.export import items, lm_eval, open_unlearning
    from suite.store import atomic_write

    if name == "csv":
        files: Files = {"items.csv": items.as_csv(results, samples)}
    else:
        of_cell: Callable[[Results, CellResult, Sequence[Sample]], Files]
        of_cell = lm_eval.files if name == "lm-eval" else open_unlearning.files
        cells = [cell for cell in results.cells if cell.status == "ok"]
        files = {
            f"{cell.cell.slug}/{file}": content
            for cell in cells
            for file, content in of_cell(results, cell, samples.get(cell.cell.slug, ())).items()
        }
    if not files:
        raise UserError(f"--format {name}: no cell of this run fits it")
    for file, content in files.items():
        atomic_write(out / file, content)
    return [out / file for file in files]
