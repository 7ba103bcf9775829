"""The cells of a `ModelBenchmark`: for each model that another benchmark's cells end in, one stage
that measures it.

    tofu: base ─ target ─ npo ─ respond ─ score
                   │       └──────────────────── measure     lm_eval:arc_easy, npo
                   └──────────────────────────── measure     lm_eval:arc_easy, target

The training stages are those of the other benchmark, found by their keys, so nothing is trained
twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from suite.api.benchmark import TextBenchmark
from suite.api.cells import Cell
from suite.api.measured import ModelBenchmark
from suite.api.method import Method
from suite.core.errors import DoesNotFit, UserError
from suite.plan.cell import PlannedCell
from suite.plan.reading import Reading
from suite.plan.text_stages import TextStages
from suite.stages.context import Context
from suite.stages.handles import Model
from suite.store import Json, Stage, jsonable


def model_of(cell: PlannedCell) -> Model:
    """The model of a cell's final step. UserError: its method does not simply ask a model."""
    responses, model = cell.final.responses, cell.final.model
    assert responses is not None and model is not None, "only cells with a model are measured"
    if responses.spec["answering"] is not None:
        raise DoesNotFit(
            f"method {cell.cell.method!r} answers in a way of its own, which a benchmark of "
            "finished models does not use"
        )
    return model


def trained_models(
    spec: str, cells: Sequence[PlannedCell]
) -> Iterator[tuple[Cell, str, Model, bool]]:
    """(cell, family, model, whether it was trained on a part of a benchmark) of each model that the
    run makes."""
    for cell in cells:
        source = cell.cell
        split = f"{source.benchmark}-{source.split}"
        yield (
            replace(source, benchmark=spec, split=split),
            cell.family,
            model_of(cell),
            cell.partial,
        )


def base_model(context: Context, benchmark: ModelBenchmark[Any]) -> Model:
    """The model itself: what `--model` names, without any training."""
    # Only the base is asked for, to which no benchmark contributes.
    reading = Reading(context, cast("TextBenchmark[Any]", benchmark), "default")
    return TextStages(reading, context.config.start_seeds[0]).base


def check_alone(method: type[Method[Any]], spec: str) -> None:
    """Refuse a method that has nothing to train on, or that does not simply ask the model."""
    if method.roles:
        raise UserError(
            f"method {method.name!r} needs {', '.join(sorted(method.roles))}, but {spec} has no "
            "training data: name "
            f"a benchmark that has, e.g. --bench NAME,{spec}"
        )
    if method.respond is not Method.respond:
        raise UserError(
            f"method {method.name!r} answers in a way of its own, which {spec} does not use"
        )


def measure(context: Context, benchmark: ModelBenchmark[Any], model: Model, label: str) -> Stage:
    """Scores of one model."""
    engine = context.engine_name
    spec: dict[str, Json] = {
        "benchmark": benchmark.name,
        "what": benchmark.describe(engine).identity,
        "source": context.registry.source_digest(type(benchmark)),
        "engine": context.engine_identity(),
        "dtype": context.dtype,
        "limit": context.config.limit,
        "epoch": model.epoch,
    }
    # Settings may name folders of this machine; `describe` says what of them counts.
    resources = {"settings": jsonable(benchmark.config)}
    inputs = {"model": model}
    return context.stage("measure", spec, inputs, label=f"measure {label}", resources=resources)
