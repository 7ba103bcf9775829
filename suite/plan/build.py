"""From a configuration to cells, and from cells to the stages they need: what is there already,
what will be computed.

Whatever can be refused is refused here, before any model loads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.config import benchmark_settings, chosen_splits, split_bench
from suite.plan.alike import check_models
from suite.plan.attacks import refuse_nothing_attacked
from suite.plan.cell import PlannedCell
from suite.plan.experiment_cells import experiment_cells
from suite.plan.fitting import Fitting, LeftOut, fitting, refuse_what_fits_nowhere
from suite.plan.graph import Plan
from suite.plan.measured_cells import measurable, measured_cells
from suite.plan.reading import Reading
from suite.plan.text_cells import text_cells
from suite.stages.context import Context


def build_plan(context: Context) -> Plan:
    """Plan the run. Raises UserError for what cannot work: unknown names, missing roles, bad data,
    no such model."""
    cells: list[PlannedCell] = []
    left_out: LeftOut = {}
    config, registry = context.config, context.registry
    check_models(context)
    for name in config.bench:
        benchmark_class = split_bench(registry, name)[0]
        if benchmark_class.trains == "nothing":
            continue
        benchmark = made(context, name)
        for split in chosen_splits(config, registry, name):
            methods = fitting(context, benchmark_class, split, left_out)
            if methods:
                cells.extend(_cells(context, benchmark, split, methods, left_out))
    trained = [cell for cell in cells if cell.texts]
    for name in config.bench:
        if split_bench(registry, name)[0].trains == "nothing":
            models = list(measurable(trained, left_out))
            if models or not trained:
                cells.extend(measured_cells(context, made(context, name), name, models))
    refuse_what_fits_nowhere(context, cells, left_out)
    refuse_nothing_attacked(context, any(cell.attacked for cell in cells))
    reasons = [reason for said in left_out.values() for reason in said]
    return Plan(tuple(cells), tuple(dict.fromkeys(reasons)))


def _cells(
    context: Context, benchmark: Any, split: str, methods: Fitting, left_out: LeftOut
) -> Iterator[PlannedCell]:
    """The cells of one benchmark that trains, on one split."""
    if benchmark.trains == "model":
        yield from text_cells(Reading(context, benchmark, split), methods, left_out)
    else:
        yield from experiment_cells(context, benchmark, split, methods)


def made(context: Context, spec: str) -> Any:
    """A benchmark with its settings; `spec` as in --bench."""
    return split_bench(context.registry, spec)[0](
        benchmark_settings(context.config, context.registry, spec)
    )
