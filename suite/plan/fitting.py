"""Which methods of a run can run on a benchmark, and why the others are left out."""

from __future__ import annotations

from typing import Any

from suite.api.benchmark import Benchmark
from suite.api.method import Method
from suite.config import method_settings, split_spec
from suite.core.errors import DoesNotFit
from suite.plan.cell import PlannedCell
from suite.plan.refusals import check_roles
from suite.settings import TrainConfig
from suite.stages.context import Context

Fitting = dict[str, tuple[Method[Any], TrainConfig]]
"""Methods that can run on a benchmark, by their names as in --methods, with their settings."""
LeftOut = dict[str, list[str]]
"""Row of the table (method or start model) -> why it does not run, a sentence a benchmark."""


def fitting(
    context: Context, benchmark: type[Benchmark[Any]], split: str, left_out: LeftOut
) -> Fitting:
    """The run's methods that fit a benchmark by what it offers. Adds to `left_out` the others."""
    methods = {}
    for spec in context.config.methods:
        try:
            methods[spec] = _method(context, spec, benchmark, split)
        except DoesNotFit as error:
            name = context.row(spec)
            left_out.setdefault(name, []).append(str(error))
    return methods


def _method(
    context: Context, spec: str, benchmark: type[Benchmark[Any]], split: str
) -> tuple[Method[Any], TrainConfig]:
    """A method (name or variant) with its settings on a benchmark's split."""
    method_class = context.registry.method(split_spec(context.registry, spec)[0])
    check_roles(method_class, benchmark)
    own, training = method_settings(context.config, context.registry, spec, benchmark.name, split)
    return method_class(own), training


def refuse_what_fits_nowhere(context: Context, cells: list[PlannedCell], left_out: LeftOut) -> None:
    """Refuse a method that would be left out everywhere: to name it was a mistake."""
    planned = {cell.cell.method for cell in cells}
    for spec in context.config.methods:
        name = context.row(spec)
        if name in left_out and name not in planned:
            raise DoesNotFit(left_out[name][0])
