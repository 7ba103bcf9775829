"""Telling the store which stages a run is made of, for `suite store`."""

from __future__ import annotations

from pathlib import Path

from suite.plan.cell import PlannedCell
from suite.plan.graph import Plan
from suite.stages.handles import part_of
from suite.store import Stage
from suite.store.runs import RunModel, RunRecord


def record(root: Path, out: Path, planned: Plan) -> None:
    """Write the record of a run. `out`: its folder."""
    methods: dict[str, list[str]] = {}
    models: list[RunModel] = []
    for cell in planned.cells:
        for stage in _stages(cell):
            users = methods.setdefault(stage.key, [])
            if cell.cell.method not in users:
                users.append(cell.cell.method)
        models += _models(cell)
    RunRecord(str(out.expanduser().resolve()), methods, models).write(root)


def _stages(cell: PlannedCell) -> list[Stage]:
    """All stages that a cell needs, each once."""
    found: dict[str, Stage] = {}
    waiting = [each.score for each in cell.evaluated]
    while waiting:
        stage = waiting.pop()
        if stage.key not in found:
            found[stage.key] = stage
            waiting += stage.inputs.values()
    return list(found.values())


def _models(cell: PlannedCell) -> list[RunModel]:
    """The model of a cell's own training; none of an experiment."""
    model = cell.final.model
    if model is None or cell.texts is None:
        return []
    parts = [part_of(each.epoch) for each in (e.model for e in cell.trained) if each is not None]
    return [RunModel(cell.cell.slug, cell.cell.method, model.stage.kind, model.stage.key, parts)]
