"""<out>/log.jsonl: one line for each event of the last run, steps that lay in the store included.

    {"event": "step", "cell": "npo__tofu__forget10__tiny__seed0", "step": 1,
     "metrics": {"loss": 13.9, "grad_norm": 2.1}}
    {"event": "finished", "cell": "npo__tofu__forget10__tiny__seed0", "status": "ok",
     "metrics": {"forget_quality": 0.7}, "error": ""}

A cell whose training was found in the store trains nothing, so it has no steps here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from suite import hookimpl

if TYPE_CHECKING:
    from suite.api.cells import Cell, CellResult
    from suite.store import Json, JsonlWriter

_logs: dict[Path, JsonlWriter] = {}
"""Folder of a run in progress -> its log."""


def _write(folder: Path, event: str, cell: Cell, **fields: Json) -> None:
    _logs[folder].append({"event": event, "cell": cell.slug, **fields})


@hookimpl
def suite_run_started(report_dir: Path) -> None:
    """Begin a new log."""
    from suite.store import JsonlWriter

    _close(report_dir)  # of an earlier run that was interrupted
    (report_dir / "log.jsonl").unlink(missing_ok=True)
    _logs[report_dir] = JsonlWriter(report_dir / "log.jsonl")


@hookimpl
def suite_cell_started(cell: Cell, report_dir: Path) -> None:
    """Note that a cell begins."""
    _write(report_dir, "started", cell)


@hookimpl
def suite_train_logged(
    cell: Cell, step: int, metrics: Mapping[str, float], report_dir: Path
) -> None:
    """Note a step; what is not finite becomes null, because JSON has no NaN."""
    values: dict[str, Json] = {}
    for name, value in metrics.items():
        values[name] = value if math.isfinite(value) else None
    _write(report_dir, "step", cell, step=step, metrics=values)


@hookimpl
def suite_cell_finished(cell: Cell, result: CellResult, report_dir: Path) -> None:
    """Note what came of a cell."""
    values = {metric.name: metric.value for metric in result.metrics}
    _write(report_dir, "finished", cell, status=result.status, metrics=values, error=result.error)


@hookimpl
def suite_run_finished(report_dir: Path) -> None:
    """End the log."""
    _close(report_dir)


def _close(folder: Path) -> None:
    if folder in _logs:
        _logs.pop(folder).close()
