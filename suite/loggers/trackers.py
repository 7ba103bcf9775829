"""`--log wandb`, `--log trackio`: a tracked run for each cell.

    WANDB_MODE=offline suite run --log wandb     without an account; trackio is local by itself

They need the extras `wandb` and `trackio`. The two libraries share the calls used here.
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
"""The libraries that the run in progress asks for, by name."""
_folder: list[Path] = []
"""Where that run writes its report."""
_tracked: set[str] = set()
"""Libraries in which the cell in progress has a run."""


@hookimpl
def suite_run_started(config: RunConfig, report_dir: Path) -> None:
    """Import what the run asks for. Raises ModuleNotFoundError without the extra."""
    _asked.clear()
    _folder[:] = [report_dir]
    for name in TRACKERS:
        if name in config.log:
            _asked[name] = importlib.import_module(name)


@hookimpl
def suite_train_logged(cell: Cell, step: int, metrics: Mapping[str, float]) -> None:
    """Log a step."""
    _log(cell, {f"train/{name}": value for name, value in metrics.items()}, step)


@hookimpl
def suite_cell_finished(cell: Cell, result: CellResult) -> None:
    """Log what was measured at the end, and close the cell's run."""
    final: dict[str, float] = {}
    for metric in result.metrics:
        if metric.value is not None:
            final[f"final/{metric.name}"] = metric.value
    _log(cell, final, None)
    for name in sorted(_tracked):
        _asked[name].finish()
    _tracked.clear()


@hookimpl
def suite_run_finished(results: Results) -> None:
    """End; every cell closed its own runs."""
    _asked.clear()


def _log(cell: Cell, values: Mapping[str, float], step: int | None) -> None:
    """Log to every library that is asked for; a cell's run is opened at its first values."""
    for name, library in _asked.items():
        if name not in _tracked:
            project = os.environ.get(f"{name.upper()}_PROJECT", "suite")
            where: dict[str, str] = {}
            if name == "wandb":  # trackio writes into a folder of its own
                where["dir"] = str(_folder[0])
            library.init(project=project, name=cell.slug, **where)
            _tracked.add(name)
        library.log(dict(values), step=step)
