"""Dropping the weights that a run needs no longer (`--keep`). Answers and scores stay.

    keep = "final":  epoch-01/ ... epoch-09/ of a finished training go, epoch-10/ and log.jsonl stay

Weights are needed as long as a stage that reads them is missing, be it of another cell. Start
models (target, retrain) always stay: later runs begin with them. Models that an attack trained go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from suite.api.cells import CellResult
from suite.plan.cell import PlannedCell
from suite.plan.graph import Plan
from suite.stages.context import Context
from suite.stages.handles import epochs_in, part_of
from suite.store import Stage, Store


def drop_weights(
    context: Context, planned: Plan, store: Store, results: Sequence[CellResult]
) -> None:
    """Drop what `--keep` does not name of the cells that are finished; `results`: in their order.

    What another process uses stays, and the progress says so.
    """
    keep = context.config.keep
    if keep == "all":
        return
    needed = {(stage.key, part) for stage, part in planned.read_by_missing(store)}
    for cell, result in zip(planned.cells, results, strict=False):
        if result.status != "ok":
            continue
        for stage, kept in _trainings(cell, result, keep):
            there = [part_of(epoch) for epoch in epochs_in(store.path(stage)) if epoch != kept]
            free = [part for part in there if (stage.key, part) not in needed]
            if free and not store.drop(stage, free):
                context.progress.say(f"{stage}: another process uses its weights, so they stay")


def _trainings(
    cell: PlannedCell, result: CellResult, keep: str
) -> Iterator[tuple[Stage, int | None]]:
    """(training, the epoch whose weights stay) of a cell; None: no weights of it stay."""
    if cell.train is not None and not _is_start(cell):
        yield cell.train, _kept_epoch(cell, result, keep)
    for each in cell.later:
        if each.model is not None and each.model.stage.kind == "train":
            yield each.model.stage, None if keep == "none" else each.model.epoch
    for each, point in cell.attacked:
        if each.model is not None and point.step:
            yield each.model.stage, None


def _kept_epoch(cell: PlannedCell, result: CellResult, keep: str) -> int | None:
    if keep == "none":
        return None
    if keep == "best" and result.best is not None:
        return int(result.best.epoch)
    return cell.final.epoch


def _is_start(cell: PlannedCell) -> bool:
    return cell.texts is not None and cell.cell.method in cell.texts.data.starts
