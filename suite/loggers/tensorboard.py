"""`--log tensorboard`: event files in <out>/tensorboard, a run of TensorBoard for each cell.

    suite run --log tensorboard && tensorboard --logdir runs/latest/tensorboard

It needs the extra `tensorboard`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import hookimpl

if TYPE_CHECKING:
    from suite.api.cells import Cell, CellResult
    from suite.results.schema import Results
    from suite.settings import RunConfig

_folder: list[Path] = []
"""Where the run in progress logs; empty if it was not asked for."""
_writers: dict[Cell, Any] = {}
_last: dict[Cell, int] = {}
"""Each cell's last step: where its results are drawn."""


@hookimpl
def suite_run_started(config: RunConfig, report_dir: Path) -> None:
    """Begin if the run asks for it. Raises ModuleNotFoundError without the extra."""
    _folder.clear()
    if "tensorboard" in config.log:
        # Now, so that a missing extra is told before anything is computed.
        import torch.utils.tensorboard  # noqa: F401

        _folder.append(report_dir / "tensorboard")


@hookimpl
def suite_train_logged(cell: Cell, step: int, metrics: Mapping[str, float]) -> None:
    """Draw a step."""
    _last[cell] = step
    _scalars(cell, "train", metrics, step)


@hookimpl
def suite_cell_finished(cell: Cell, result: CellResult) -> None:
    """Draw what was measured at the end, and over the epochs."""
    for point in result.trajectory:
        _scalars(cell, "epoch", point.metrics, point.step)
    final = {metric.name: metric.value for metric in result.metrics}
    _scalars(cell, "final", final, _last.pop(cell, 0))
    if cell in _writers:
        _writers.pop(cell).close()


@hookimpl
def suite_run_finished(results: Results) -> None:
    """End; cells close their own files."""
    _folder.clear()


def _scalars(cell: Cell, group: str, values: Mapping[str, float | None], step: int) -> None:
    """Draw the values that are there; the writer of a cell is opened at its first ones."""
    for folder in _folder:
        if cell not in _writers:
            from torch.utils.tensorboard import SummaryWriter

            _writers[cell] = SummaryWriter(str(folder / cell.slug))
        for name, value in values.items():
            if value is not None:
                _writers[cell].add_scalar(f"{group}/{name}", value, step)
