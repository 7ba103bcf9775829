"""The cells of a benchmark that trains nothing: it measures the models of the run's other cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.api.cells import Cell
from suite.api.measured import ModelBenchmark
from suite.api.phases import TRAINING
from suite.config import finished_path, split_spec
from suite.core.errors import DoesNotFit
from suite.core.places import model_name
from suite.plan import measured
from suite.plan.cell import Evaluated, PlannedCell
from suite.plan.fitting import LeftOut
from suite.stages.base_model import imported
from suite.stages.context import Context
from suite.stages.handles import Model


def measurable(trained: list[PlannedCell], left_out: LeftOut) -> Iterator[PlannedCell]:
    """Leave out the cells whose method is more than a model that is asked."""
    for cell in trained:
        try:
            measured.model_of(cell)
        except DoesNotFit as error:
            left_out.setdefault(cell.cell.method, []).append(str(error))
            continue
        yield cell


def measured_cells(
    context: Context, benchmark: ModelBenchmark[Any], spec: str, trained: list[PlannedCell]
) -> Iterator[PlannedCell]:
    """Every model of the run's other cells; if there are none, the base model, also as what each
    method answers from, and the finished models. `spec`: the benchmark as in --bench."""
    if trained:
        for cell, family, model, partial in measured.trained_models(spec, trained):
            yield _measured(context, benchmark, cell, family, model, partial)
        return
    for name, family, model in _alone(context, benchmark, spec):
        cell = Cell(name, spec, "default", model_name(context.config.model), 0)
        yield _measured(context, benchmark, cell, family, model, False)


def _alone(
    context: Context, benchmark: ModelBenchmark[Any], spec: str
) -> list[tuple[str, str, Model]]:
    """(row, family, model) where no other benchmark makes models. UserError: a method trains."""
    config, registry = context.config, context.registry
    base = measured.base_model(context, benchmark)
    rows: list[tuple[str, str, Model]] = []
    for name in config.methods:
        method = registry.method(split_spec(registry, name)[0])
        measured.check_alone(method, spec)
        row = context.row(name)
        path = finished_path(registry, name)
        model = imported(context, path, f"method {row}") if path else base
        rows.append((row, method.family, model))
    finished = {model.stage.key for _, family, model in rows if family == "finished"}
    # A run of finished models alone has the first of them as its model: that is no row of its own.
    return rows if base.stage.key in finished else [("base", "baseline", base), *rows]


def _measured(
    context: Context,
    benchmark: ModelBenchmark[Any],
    cell: Cell,
    family: str,
    model: Model,
    partial: bool,
) -> PlannedCell:
    stage = measured.measure(context, benchmark, model, f"{cell.method} on {cell.benchmark}")
    reduced = partial or context.config.limit is not None
    evaluated = (Evaluated(TRAINING, 0, stage, model),)
    return PlannedCell(cell, family, benchmark, evaluated, reduced=reduced)
