"""The cells of a benchmark that trains nothing: it measures the models of the run's other cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.api.cells import Cell
from suite.api.measured import ModelBenchmark
from suite.api.phases import TRAINING
from suite.config import split_spec
from suite.core.errors import DoesNotFit
from suite.plan import measured
from suite.plan.cell import Evaluated, PlannedCell, model_name
from suite.plan.fitting import LeftOut
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
    """Every model that the run trains; if it trains none, the base model, also as what each method
    answers from. `spec`: the benchmark as in --bench."""
    if trained:
        for cell, family, model, partial in measured.trained_models(spec, trained):
            yield _measured(context, benchmark, cell, family, model, partial)
        return
    model = measured.base_model(context, benchmark)
    methods = [
        context.registry.method(split_spec(context.registry, name)[0])
        for name in context.config.methods
    ]
    for method in methods:
        measured.check_alone(method, spec)
    rows = [
        ("base", "baseline"),
        *zip(context.config.methods, [m.family for m in methods], strict=True),
    ]
    for name, family in rows:
        cell = Cell(name, spec, "default", model_name(context.config.model), 0)
        yield _measured(context, benchmark, cell, family, model, False)


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
