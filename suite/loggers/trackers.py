"""`--log wandb`, `--log trackio`: a tracked run for each cell.

    WANDB_MODE=offline suite run --log wandb     without an account; trackio is local by itself

They need the extras `wandb` and `trackio`. The two libraries share the calls used here.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from suite import hookimpl

if TYPE_CHECKING:
    from suite.api.cells import Cell, CellResult
    from suite.settings import RunConfig

TRACKERS = ("wandb", "trackio")

_tracked: set[tuple[Path, str, str]] = set()
"""Folder, cell and library of the runs that are open."""


@hookimpl
def suite_run_started(config: RunConfig, report_dir: Path) -> None:
    """Forget an earlier run in this folder that was interrupted. Raises ModuleNotFoundError without
    an extra, before anything is computed."""
    for tracked in [tracked for tracked in _tracked if tracked[0] == report_dir]:
        _tracked.remove(tracked)
    for name in TRACKERS:
        if name in config.log:
            importlib.import_module(name)


@hookimpl
def suite_train_logged(
    cell: Cell, step: int, metrics: Mapping[str, float], config: RunConfig, report_dir: Path
) -> None:
    """Log a step."""
    values = {f"train/{name}": value for name, value in metrics.items()}
    for name in _asked(config):
        _log(name, cell, values, step, report_dir)


@hookimpl
def suite_cell_finished(
    cell: Cell, result: CellResult, config: RunConfig, report_dir: Path
) -> None:
    """Log what was measured at the end, and close the cell's run."""
    final: dict[str, float] = {}
    for metric in result.metrics:
        if metric.value is not None:
            final[f"final/{metric.name}"] = metric.value
    for name in _asked(config):
        _log(name, cell, final, None, report_dir)
        importlib.import_module(name).finish()
        _tracked.discard((report_dir, cell.slug, name))


def _asked(config: RunConfig) -> list[str]:
    """The libraries that a run asks for and that the start of the run could import."""
    return [name for name in TRACKERS if name in config.log and sys.modules.get(name)]


def _log(
    name: str, cell: Cell, values: Mapping[str, float], step: int | None, folder: Path
) -> None:
    """Log to a library; a cell's run is opened at its first values."""
    library = importlib.import_module(name)
    tracked = (folder, cell.slug, name)
    if tracked not in _tracked:
        project = os.environ.get(f"{name.upper()}_PROJECT", "suite")
        where: dict[str, str] = {}
        if name == "wandb":  # trackio writes into a folder of its own
            where["dir"] = str(folder)
        library.init(project=project, name=cell.slug, **where)
        _tracked.add(tracked)
    library.log(dict(values), step=step)
