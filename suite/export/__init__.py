"""A run in the formats of other tools: a folder for each cell with answers, or one table of items.

    export(results, samples, Path("out"), "lm-eval")  ->  [out/<cell>/results_suite.json, ...]

The answers come from `<run>/samples`. Items that are only scored and never answered (pairs) have
none there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.core.errors import UserError

if TYPE_CHECKING:
    from suite.api.cells import CellResult
    from suite.results.samples import Sample
    from suite.results.schema import Results

FORMATS = ("lm-eval", "csv", "open-unlearning", "inspect")

Samples = Mapping[str, Sequence["Sample"]]
"""The slug of a cell -> its answers."""
Files = Mapping[str, str | bytes]
"""Name below the folder -> content."""
FilesOfCell = Callable[["Results", "CellResult", Sequence["Sample"]], Files]


def export(results: Results, samples: Samples, out: Path, name: str) -> list[Path]:
    """Write the run in the format `name`; return the paths.

    Raises UserError, before anything is written, if the format can hold nothing of the run, or
    if a file would lie outside `out`.
    """
    from suite.store import atomic_write, inside

    files = _files(results, samples, name)
    if not files:
        raise UserError(f"--format {name}: this format can hold no result of this run")
    paths = {file: inside(out, file) for file in files}
    for file, content in files.items():
        atomic_write(paths[file], content)
    return list(paths.values())


def _files(results: Results, samples: Samples, name: str) -> Files:
    """The files of a format."""
    from suite.export import inspect_log, items, lm_eval, open_unlearning

    if name == "csv":
        return {"items.csv": items.as_csv(results, samples)}
    if name == "inspect":
        inspect_log.check_installed()
    of_cell: dict[str, FilesOfCell] = {
        "lm-eval": lm_eval.files,
        "open-unlearning": open_unlearning.files,
        "inspect": inspect_log.files,
    }
    return _export_cells(results, samples, of_cell[name])


def _export_cells(results: Results, samples: Samples, files_of: FilesOfCell) -> Files:
    """Return the files of all finished cells, each cell's in a folder of its own."""
    files: dict[str, str | bytes] = {}
    for result in results.cells:
        if result.status == "ok":
            slug = result.cell.slug
            for name, content in files_of(results, result, samples.get(slug, ())).items():
                files[f"{slug}/{name}"] = content
    return files
