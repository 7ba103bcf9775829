"""The cells of a `ModelBenchmark`: for each model that another benchmark's cells end in, one stage that measures it.

    tofu: base ─ target ─ npo ─ respond ─ score
                   │       └──────────────────── measure     lm_eval:arc_easy, npo
                   └──────────────────────────── measure     lm_eval:arc_easy, target

The training stages are those of the other benchmark, found by their keys, so nothing is trained twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from suite.benchmark import TextBenchmark
from suite.errors import DoesNotFit, UserError
from suite.handles import Model
from suite.lab import Lab
from suite.measure_stage import measuring
from suite.method import Method
from suite.model_benchmark import ModelBenchmark
from suite.results import Cell
from suite.stages import TextStages
from suite.store import Json, Stage

if TYPE_CHECKING:
    from suite.plan import PlannedCell


def model_of(cell: PlannedCell) -> Model:
    """The model of a cell's final step. UserError: its method does not simply ask a model."""
    respond = cell.scores[max(cell.scores)].inputs["responses"]
    if respond.spec["answering"] is not None:
        raise DoesNotFit(
            f"method {cell.cell.method!r} answers in a way of its own, which a benchmark of "
            "finished models does not use"
        )
    epoch = respond.spec["epoch"]
    assert epoch is None or isinstance(epoch, int)
    return Model(respond.inputs["model"], epoch)


def trained_models(
    lab: Lab, spec: str, cells: Sequence[PlannedCell]
) -> Iterator[tuple[Cell, str, Model, bool]]:
    """(cell, family, model, whether it was trained on a part of a benchmark) of each model that the run makes."""
    for cell in cells:
        source = cell.cell
        split = f"{source.benchmark}-{source.split}"
        yield (
            Cell(source.method, spec, split, source.model, source.seed),
            cell.family,
            model_of(cell),
            cell.partial,
        )


def base_model(lab: Lab, benchmark: ModelBenchmark[Any]) -> Model:
    """The model itself: what `--model` names, without any training."""
    # Only the base is asked for, to which no benchmark contributes.
    return TextStages(lab, cast("TextBenchmark[Any]", benchmark), "default").base


def check_alone(method: type[Method[Any]], spec: str) -> None:
    """Refuse a method that has nothing to train on, or that does not simply ask the model."""
    if method.roles:
        raise UserError(
            f"method {method.name!r} needs {', '.join(sorted(method.roles))}, but {spec} has no training data: name "
            f"a benchmark that has, e.g. --bench tofu,{spec}"
        )
    if method.respond is not Method.respond:
        raise UserError(
            f"method {method.name!r} answers in a way of its own, which {spec} does not use"
        )


def measure(lab: Lab, benchmark: ModelBenchmark[Any], model: Model, label: str) -> Stage:
    """Scores of one model."""
    engine = lab.config.engine
    spec: dict[str, Json] = {
        "benchmark": benchmark.name,
        "what": benchmark.describe(engine).identity,
        "source": lab.registry.source_digest(type(benchmark)),
        "engine": lab.engine_identity(),
        "dtype": lab.dtype,
        "limit": lab.config.limit,
        "epoch": model.epoch,
    }
    build = measuring(lab, benchmark, model, label)
    return Stage("measure", spec, build, {"model": model.stage}, label=f"measure {label}")
