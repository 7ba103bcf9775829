"""`--log tensorboard`: event files in <out>/tensorboard, a run of TensorBoard for each cell.

    suite run --log tensorboard && tensorboard --logdir runs/latest/tensorboard

It needs the extra `tensorboard`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import Cell, hookimpl

if TYPE_CHECKING:
    from suite.api.cells import CellResult
    from suite.settings import RunConfig

Drawn = tuple[Path, Cell]
"""Folder of the run, and its cell."""
_writers: dict[Drawn, Any] = {}
_last: dict[Drawn, int] = {}
"""Each cell's last step: where its results are drawn."""


@hookimpl
def suite_run_started(config: RunConfig, report_dir: Path) -> None:
    """Forget an earlier run in this folder that was interrupted. Raises ModuleNotFoundError without
    the extra, before anything is computed."""
    if "tensorboard" not in config.log:
        return
    import torch.utils.tensorboard  # noqa: F401

    for drawn in [drawn for drawn in _last if drawn[0] == report_dir]:
        del _last[drawn]
    for drawn in [drawn for drawn in _writers if drawn[0] == report_dir]:
        _writers.pop(drawn).close()


@hookimpl
def suite_train_logged(
    cell: Cell, step: int, metrics: Mapping[str, float], config: RunConfig, report_dir: Path
) -> None:
    """Draw a step."""
    if "tensorboard" in config.log:
        _last[report_dir, cell] = step
        _scalars((report_dir, cell), "train", metrics, step)


@hookimpl
def suite_cell_finished(
    cell: Cell, result: CellResult, config: RunConfig, report_dir: Path
) -> None:
    """Draw what was measured at the end, and over the epochs."""
    if "tensorboard" not in config.log:
        return
    drawn = (report_dir, cell)
    for point in result.trajectory:
        _scalars(drawn, "epoch", point.metrics, point.step)
    final = {metric.name: metric.value for metric in result.metrics}
    _scalars(drawn, "final", final, _last.pop(drawn, 0))
    if drawn in _writers:
        _writers.pop(drawn).close()


def _scalars(drawn: Drawn, group: str, values: Mapping[str, float | None], step: int) -> None:
    """Draw the values that are there; the writer of a cell is opened at its first ones."""
    if drawn not in _writers:
        from torch.utils.tensorboard import SummaryWriter

        folder, cell = drawn
        _writers[drawn] = SummaryWriter(str(folder / "tensorboard" / cell.slug))
    for name, value in values.items():
        if value is not None:
            _writers[drawn].add_scalar(f"{group}/{name}", value, step)
