"""`--log wandb`, `--log trackio`: a tracked run for each cell. The two libraries share the calls used here.

Extras `wandb` and `trackio`. Without an account: WANDB_MODE=offline suite run --log wandb; trackio is local by itself.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import hookimpl

if TYPE_CHECKING:
    from suite.api.cells import Cell, CellResult
    from suite.results.schema import Results
    from suite.settings import RunConfig

TRACKERS = ("wandb", "trackio")

_asked: dict[str, Any] = {}
"""Library by name, of the run in progress."""
_folder: list[Path] = []
_tracked: set[str] = set()
"""Libraries in which the cell in progress has a run."""


@hookimpl
def suite_run_started(config: RunConfig, report_dir: Path) -> None:
    """Import what the run asks for. Raises ModuleNotFoundError without the extra."""
    _asked.clear()
    _folder[:] = [report_dir]
    _asked.update({name: importlib.import_module(name) for name in TRACKERS if name in config.log})


@hookimpl
def suite_train_logged(cell: Cell, step: int, metrics: Mapping[str, float]) -> None:
    """Log a step."""
    _log(cell, {f"train/{name}": value for name, value in metrics.items()}, step)


@hookimpl
def suite_cell_finished(cell: Cell, result: CellResult) -> None:
    """Log what was measured at the end, and close the cell's run."""
    _log(
        cell,
        {
            f"final/{metric.name}": metric.value
            for metric in result.metrics
            if metric.value is not None
        },
        None,
    )
    for name in sorted(_tracked):
        _asked[name].finish()
    _tracked.clear()


@hookimpl
def suite_run_finished(results: Results) -> None:
    """End; every cell closed its own runs."""
    _asked.clear()


def _log(cell: Cell, values: Mapping[str, float], step: int | None) -> None:
    for name, library in _asked.items():
        if name not in _tracked:
            project = os.environ.get(f"{name.upper()}_PROJECT", "suite")
            where = {"dir": str(_folder[0])} if name == "wandb" else {}
            library.init(project=project, name=cell.slug, **where)
            _tracked.add(name)
        library.log(dict(values), step=step)
