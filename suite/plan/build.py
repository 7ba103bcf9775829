"""From a configuration to cells, and from cells to the stages they need: what is there already,
what will be computed.

Whatever can be refused is refused here, before any model loads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from suite.api.benchmark import Benchmark, Experiment
from suite.api.cells import Cell
from suite.api.measured import ModelBenchmark
from suite.api.method import Method
from suite.api.phases import TRAINING
from suite.config import (
    benchmark_settings,
    chosen_splits,
    method_seeds,
    method_settings,
    split_bench,
    split_spec,
)
from suite.core.errors import DoesNotFit, UserError
from suite.plan import measured
from suite.plan.cell import Evaluated, PlannedCell
from suite.plan.graph import Plan
from suite.plan.refusals import (
    check_answers,
    check_loss,
    check_reward,
    check_roles,
    check_steps,
    refuse_training_settings,
)
from suite.plan.text_stages import TextStages
from suite.settings import TrainConfig
from suite.stages.context import Context
from suite.stages.handles import Model, Trained
from suite.store import Json, jsonable


def build_plan(context: Context) -> Plan:
    """Plan the run. Raises UserError for what cannot work: unknown names, missing roles, bad data,
    no such model."""
    cells: list[PlannedCell] = []
    left_out: LeftOut = {}
    config, registry = context.config, context.registry
    for name in config.bench:
        benchmark_class = split_bench(registry, name)[0]
        if benchmark_class.trains == "nothing":
            continue
        benchmark = made(context, name)
        for split in chosen_splits(config, registry, name):
            methods = _fitting(context, benchmark_class, split, left_out)
            if methods:
                cells.extend(_cells(context, benchmark, split, methods, left_out))
    trained = [cell for cell in cells if cell.texts]
    for name in config.bench:
        if split_bench(registry, name)[0].trains == "nothing":
            measurable = list(_measurable(trained, left_out))
            if measurable or not trained:
                cells.extend(_model_cells(context, name, measurable))
    _refuse_what_fits_nowhere(config.methods, cells, left_out)
    reasons = [reason for said in left_out.values() for reason in said]
    return Plan(tuple(cells), tuple(dict.fromkeys(reasons)))


def _measurable(trained: list[PlannedCell], left_out: LeftOut) -> Iterator[PlannedCell]:
    """Leave out the cells whose method is more than a model that is asked."""
    for cell in trained:
        try:
            measured.model_of(cell)
        except DoesNotFit as error:
            left_out.setdefault(cell.cell.method, []).append(str(error))
            continue
        yield cell


Fitting = dict[str, tuple[Method[Any], TrainConfig]]
"""Methods that can run on a benchmark, by their names as in --methods, with their settings."""
LeftOut = dict[str, list[str]]
"""Method, or start model -> why it does not run, a sentence for each benchmark."""


def _fitting(
    context: Context, benchmark: type[Benchmark[Any]], split: str, left_out: LeftOut
) -> Fitting:
    methods = {}
    for spec in context.config.methods:
        try:
            methods[spec] = _method(context, spec, benchmark, split)
        except DoesNotFit as error:
            left_out.setdefault(spec, []).append(str(error))
    return methods


def _cells(
    context: Context, benchmark: Any, split: str, methods: Fitting, left_out: LeftOut
) -> Iterator[PlannedCell]:
    """The cells of one benchmark that trains, on one split."""
    if benchmark.trains == "model":
        stages = TextStages(context, benchmark, split)
        # Before the data, which a model that is not there would make us fetch in vain.
        _ = stages.base
        yield from _text_cells(context, stages, methods, left_out)
    else:
        yield from _experiment_cells(context, benchmark, split, methods)


def _refuse_what_fits_nowhere(
    methods: Sequence[str], cells: list[PlannedCell], left_out: LeftOut
) -> None:
    """Refuse a method that would be left out everywhere: to name it was a mistake."""
    planned = {cell.cell.method for cell in cells}
    for spec in methods:
        if spec in left_out and spec not in planned:
            raise DoesNotFit(left_out[spec][0])


def made(context: Context, spec: str) -> Any:
    """A benchmark with its settings; `spec` as in --bench."""
    return split_bench(context.registry, spec)[0](
        benchmark_settings(context.config, context.registry, spec)
    )


def _method(
    context: Context, spec: str, benchmark: type[Benchmark[Any]], split: str
) -> tuple[Method[Any], TrainConfig]:
    """A method (name or variant) with its settings on a benchmark's split."""
    method_class = context.registry.method(split_spec(context.registry, spec)[0])
    check_roles(method_class, benchmark)
    own, training = method_settings(context.config, context.registry, spec, benchmark.name, split)
    return method_class(own), training


def _text_cells(
    context: Context, stages: TextStages, methods: Fitting, left_out: LeftOut
) -> Iterator[PlannedCell]:
    """Start models first (rows of the table too), then every method with every seed."""
    _drop_what_does_not_fit(stages, methods, left_out)
    if not methods:
        return
    for name in stages.data.starts:
        if name in context.config.methods:
            raise UserError(
                f"method {name!r} has the name of a start model of {stages.benchmark.name!r}; rename it"
            )
        try:
            planned = _planned(context, stages, name, "baseline", 0, stages.start(name))
        except DoesNotFit as error:
            left_out.setdefault(name, []).append(str(error))
            continue
        yield planned
    for spec, (method, config) in methods.items():
        seeds = method_seeds(context.config, context.registry, spec) if method.trains else (0,)
        for seed in seeds:
            label = spec if len(seeds) == 1 else f"{spec} (seed {seed})"
            trained = stages.method(method, config, seed, label)
            try:
                planned = _planned(context, stages, spec, method.family, seed, trained, config)
            except DoesNotFit as error:
                left_out.setdefault(spec, []).append(str(error))
                continue
            yield planned


def _drop_what_does_not_fit(stages: TextStages, methods: Fitting, left_out: LeftOut) -> None:
    """Take out the methods that the benchmark's data or questions do not suit; refuse settings that
    cannot work."""
    for spec, (method, config) in list(methods.items()):
        try:
            check_reward(type(method), stages)
            check_answers(type(method), stages)
        except DoesNotFit as error:
            left_out.setdefault(spec, []).append(str(error))
            del methods[spec]
            continue
        check_steps(method, config, stages)
        check_loss(method)


def _planned(
    context: Context,
    stages: TextStages,
    name: str,
    family: str,
    seed: int,
    trained: Trained,
    config: TrainConfig | None = None,
) -> PlannedCell:
    """A cell with all its evaluated models; `config`: how its method trains, for later phases."""
    model = model_name(context.config.model)
    cell = Cell(name, stages.benchmark.name, stages.split, model, seed)
    evaluated = []
    for epoch, each in trained.models.items():
        label = f"{name}, epoch {epoch}" if trained.stage else name
        evaluated.append(_evaluated(stages, TRAINING, epoch, each, trained.method, label))
    if trained.stage is not None and trained.method is not None and config is not None:
        evaluated += _phases(stages, trained, trained.method, config, seed, name)
    return PlannedCell(cell, family, stages.benchmark, tuple(evaluated), stages, trained.stage)


def _phases(
    stages: TextStages,
    trained: Trained,
    method: Method[Any],
    config: TrainConfig,
    seed: int,
    name: str,
) -> Iterator[Evaluated]:
    """The models of the phases after training, each made of the one before."""
    model = trained.final
    for phase in stages.benchmark.phases:
        model = stages.phase(phase, model, method, config, seed, name)
        label = f"{name}, {phase.name}"
        yield _evaluated(stages, phase.name, model.epoch or 0, model, None, label)


def _evaluated(
    stages: TextStages,
    phase: str,
    epoch: int,
    model: Model,
    method: Method[Any] | None,
    label: str,
) -> Evaluated:
    responses = stages.respond(model, method, label)
    verdicts = stages.judging.verdicts(responses, label) if stages.judging else None
    score = stages.score(model, method, responses, verdicts, label)
    return Evaluated(phase, epoch, score, model, responses, verdicts)


def _model_cells(context: Context, spec: str, trained: list[PlannedCell]) -> Iterator[PlannedCell]:
    """Every model that the run trains; if it trains none, the base model, also as what each method
    answers from."""
    benchmark: ModelBenchmark[Any] = made(context, spec)
    if trained:
        for cell, family, model, partial in measured.trained_models(context, spec, trained):
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


def _experiment_cells(
    context: Context, experiment: Experiment[Any], split: str, methods: Fitting
) -> Iterator[PlannedCell]:
    """One stage a cell; no language model takes part."""
    for spec, (method, _) in methods.items():
        refuse_training_settings(context, experiment, spec)
        for seed in method_seeds(context.config, context.registry, spec):
            source = context.registry.source_digest(type(method), method.modules)
            settings: dict[str, Json] = {
                "benchmark": experiment.name,
                "settings": jsonable(experiment.config),
                "source": context.source_digest(type(experiment)),
                "method": {
                    "method": method.name,
                    "settings": jsonable(method.config),
                    "source": source,
                },
                "split": split,
                "seed": seed,
            }
            stage = context.stage("experiment", settings, label=f"{experiment.name}: {spec}")
            cell = Cell(spec, experiment.name, split, "none", seed)
            evaluated = (Evaluated(TRAINING, 0, stage),)
            yield PlannedCell(cell, method.family, experiment, evaluated)


def model_name(spec: str) -> str:
    """What the table calls a model: paths are reduced to their last part."""
    return spec if spec.count("/") == 1 and not spec.startswith((".", "/")) else PurePath(spec).name
