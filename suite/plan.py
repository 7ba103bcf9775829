"""From a configuration to cells, and from cells to the stages they need: what is there already, what will be computed.

Whatever can be refused is refused here, before any model loads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Any

from suite import evaluations, experiment_stage
from suite.benchmark import Benchmark, Experiment, TextBenchmark
from suite.config import (
    benchmark_settings,
    chosen_splits,
    method_seeds,
    method_settings,
    only_experiments,
    split_bench,
    split_spec,
)
from suite.errors import DoesNotFit, UserError
from suite.handles import Model, Trained
from suite.judges import Cost
from suite.lab import Lab
from suite.method import Method
from suite.model_benchmark import ModelBenchmark
from suite.paired import PairedMethod, PairLogps
from suite.results import Cell
from suite.settings import TrainConfig
from suite.stages import TextStages
from suite.store import Json, Stage, Store, jsonable


@dataclass(frozen=True)
class PlannedCell:
    """A cell and the stages that end in its scores."""

    cell: Cell
    family: str
    benchmark: Benchmark[Any]
    scores: dict[int, Stage]
    """Epoch -> score stage; the last is the final step. An experiment has one, of epoch 0."""
    texts: TextStages | None = None
    train: Stage | None = None
    reduced: bool = False
    """Whether its model was made, or is measured, on a part of a benchmark."""

    @property
    def partial(self) -> bool:
        """Whether it is evaluated on a part of the benchmark."""
        return self.reduced or (self.texts is not None and self.texts.data.partial)


@dataclass(frozen=True)
class Plan:
    """All cells of a run."""

    cells: tuple[PlannedCell, ...]
    left_out: tuple[str, ...] = ()
    """What was asked for and does not fit: a sentence for each method and benchmark."""

    def stages(self) -> list[Stage]:
        """Every stage once, inputs before what reads them."""
        ordered: dict[str, Stage] = {}
        for cell in self.cells:
            for stage in cell.scores.values():
                _visit(stage, ordered)
        return list(ordered.values())

    def missing(self, store: Store) -> list[Stage]:
        """The stages that a run would have to compute."""
        needed: dict[str, Stage] = {}
        for cell in self.cells:
            for stage in cell.scores.values():
                _visit_missing(stage, store, needed)
        return list(needed.values())

    def judging(self, store: Store) -> dict[str, Cost]:
        """Benchmark -> what the verdicts that lack will about cost."""
        lacking = [stage.key for stage in self.missing(store) if stage.kind == "judge"]
        costs = {}
        for cell in self.cells:
            if cell.texts and (judging := cell.texts.judging) and cell.benchmark.name not in costs:
                cells = [c for c in self.cells if c.benchmark is cell.benchmark]
                own = {
                    s.key
                    for c in cells
                    for score in c.scores.values()
                    for s in score.inputs.values()
                }
                costs[cell.benchmark.name] = judging.forecast(
                    [key for key in lacking if key in own]
                )
        return costs


def _visit(stage: Stage, ordered: dict[str, Stage]) -> None:
    if stage.key not in ordered:
        for needed in stage.inputs.values():
            _visit(needed, ordered)
        ordered[stage.key] = stage


def _visit_missing(stage: Stage, store: Store, needed: dict[str, Stage]) -> None:
    """A finished stage needs nothing, whether its inputs are still there or not."""
    if stage.key not in needed and not store.has(stage):
        for read in stage.inputs.values():
            _visit_missing(read, store, needed)
        needed[stage.key] = stage


def build_plan(lab: Lab) -> Plan:
    """Plan the run. Raises UserError for what cannot work: unknown names, missing roles, bad data, no such model."""
    cells: list[PlannedCell] = []
    left_out: dict[str, list[str]] = {}
    for name in lab.config.bench:
        benchmark_class = split_bench(lab.registry, name)[0]
        if issubclass(benchmark_class, ModelBenchmark):
            continue
        benchmark = made(lab, name)
        for split in chosen_splits(lab.config, lab.registry, name):
            methods = _fitting(lab, benchmark_class, split, left_out)
            if not methods:
                continue
            if isinstance(benchmark, TextBenchmark):
                # Before the data, which a model that is not there would make us fetch in vain.
                stages = TextStages(lab, benchmark, split)
                _ = stages.base
                cells.extend(_text_cells(lab, stages, methods, left_out))
            elif isinstance(benchmark, Experiment):
                cells.extend(_experiment_cells(lab, benchmark, split, methods))
    trained = [cell for cell in cells if cell.texts]
    for name in lab.config.bench:
        if issubclass(split_bench(lab.registry, name)[0], ModelBenchmark):
            measurable = list(_measurable(trained, left_out))
            if measurable or not trained:
                cells.extend(_model_cells(lab, name, measurable))
    _refuse_what_fits_nowhere(lab.config.methods, cells, left_out)
    reasons = [reason for said in left_out.values() for reason in said]
    return Plan(tuple(cells), tuple(dict.fromkeys(reasons)))


def _measurable(
    trained: list[PlannedCell], left_out: dict[str, list[str]]
) -> Iterator[PlannedCell]:
    """Leave out the cells whose method is more than a model that is asked."""
    for cell in trained:
        try:
            evaluations.model_of(cell)
        except DoesNotFit as error:
            left_out.setdefault(cell.cell.method, []).append(str(error))
            continue
        yield cell


Fitting = dict[str, tuple[Method[Any], TrainConfig]]
"""Methods that can run on a benchmark, by their names as in --methods, with their settings."""


def _fitting(
    lab: Lab, benchmark: type[Benchmark[Any]], split: str, left_out: dict[str, list[str]]
) -> Fitting:
    methods = {}
    for spec in lab.config.methods:
        try:
            methods[spec] = _method(lab, spec, benchmark, split)
        except DoesNotFit as error:
            left_out.setdefault(spec, []).append(str(error))
    return methods


def _refuse_what_fits_nowhere(
    methods: Sequence[str], cells: list[PlannedCell], left_out: dict[str, list[str]]
) -> None:
    """Refuse a method that would be left out everywhere: to name it was a mistake."""
    planned = {cell.cell.method for cell in cells}
    for spec in methods:
        if spec in left_out and spec not in planned:
            raise DoesNotFit(left_out[spec][0])


def made(lab: Lab, spec: str) -> Any:
    """A benchmark with its settings; `spec` as in --bench."""
    return split_bench(lab.registry, spec)[0](benchmark_settings(lab.config, lab.registry, spec))


def _method(
    lab: Lab, spec: str, benchmark: type[Benchmark[Any]], split: str
) -> tuple[Method[Any], TrainConfig]:
    """A method (name or variant) with its settings on a benchmark's split."""
    method_class = lab.registry.method(split_spec(lab.registry, spec)[0])
    check_roles(method_class, benchmark)
    own, training = method_settings(lab.config, lab.registry, spec, benchmark.name, split)
    return method_class(own), training


def check_roles(method: type[Method[Any]], benchmark: type[Benchmark[Any]]) -> None:
    """Refuse a method that needs training data which the benchmark does not offer."""
    needed = method.roles | ({"pairs"} if method.needs_reward == "model" else set())
    if issubclass(benchmark, Experiment) and not method.trains:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {benchmark.name!r}: it trains nothing, and there is no "
            "language model to ask"
        )
    if issubclass(benchmark, Experiment) and method.needs_reward:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {benchmark.name!r}: it needs a reward "
            "of texts, and there is no language model to write any"
        )
    lacking = sorted(needed - benchmark.provides)
    if lacking:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {benchmark.name!r}: it needs {', '.join(lacking)}; "
            f"the benchmark offers {', '.join(sorted(benchmark.provides))}"
        )


def check_reward(method: type[Method[Any]], stages: TextStages) -> None:
    """Refuse a method that learns from the ground truth where the benchmark has none."""
    if method.needs_reward == "ground_truth" and stages.benchmark.reward(stages.data) is None:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {stages.benchmark.name!r}: it needs a ground-truth "
            "reward, and the benchmark has none"
        )


def check_answers(method: type[Method[Any]], stages: TextStages) -> None:
    """Refuse a method whose model can answer nothing that the benchmark asks."""
    asked = {request.kind for request in stages.requests}
    if asked and not asked & method.answers:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {stages.benchmark.name!r}, which asks for "
            f"{', '.join(sorted(asked))} only; {method.name} answers {', '.join(sorted(method.answers))} requests"
        )


def check_steps(method: Method[Any], config: TrainConfig, stages: TextStages) -> None:
    """Refuse a step of a single pair to a method that compares pairs with others of their step."""
    pairs = len(stages.data.roles.get("pairs", ()))
    if "mismatched" not in method.roles or not pairs:
        return
    size = min(config.batch_size, pairs)
    if size == 1 or pairs % size == 1:
        raise UserError(
            f"{method.name} compares the pairs of a step with each other, and {pairs} pairs in steps of {size} leave a "
            f"step with a single pair; choose another {method.name}.batch_size"
        )


def check_loss(method: Method[Any]) -> None:
    """Ask a loss of pairs for its value once: what it refuses about its settings is refused before anything trains."""
    if not isinstance(method, PairedMethod):
        return
    import torch

    start, lengths = torch.full((2,), -1.0), torch.tensor([1, 2])
    method.pair_loss(PairLogps(start, start, start, start, lengths, lengths, start, start))


def _text_cells(
    lab: Lab, stages: TextStages, methods: Fitting, left_out: dict[str, list[str]]
) -> Iterator[PlannedCell]:
    """Start models first (rows of the table too), then every method with every seed."""
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
    if not methods:
        return
    for name in stages.data.starts:
        if name in lab.config.methods:
            raise UserError(
                f"method {name!r} has the name of a start model of {stages.benchmark.name!r}; rename it"
            )
        try:
            planned = _planned(lab, stages, name, "baseline", 0, stages.start(name))
        except DoesNotFit as error:
            left_out.setdefault(name, []).append(str(error))
            continue
        yield planned
    for spec, (method, config) in methods.items():
        seeds = method_seeds(lab.config, lab.registry, spec) if method.trains else (0,)
        for seed in seeds:
            label = spec if len(seeds) == 1 else f"{spec} (seed {seed})"
            trained = stages.method(method, config, seed, label)
            try:
                planned = _planned(lab, stages, spec, method.family, seed, trained)
            except DoesNotFit as error:
                left_out.setdefault(spec, []).append(str(error))
                continue
            yield planned


def _planned(
    lab: Lab, stages: TextStages, name: str, family: str, seed: int, trained: Trained
) -> PlannedCell:
    cell = Cell(name, stages.benchmark.name, stages.split, model_name(lab.config.model), seed)
    scores = {
        epoch: stages.score(
            model, trained.method, f"{name}, epoch {epoch}" if trained.stage else name
        )
        for epoch, model in trained.models.items()
    }
    return PlannedCell(cell, family, stages.benchmark, scores, stages, trained.stage)


def _model_cells(lab: Lab, spec: str, trained: list[PlannedCell]) -> Iterator[PlannedCell]:
    """Every model that the run trains; if it trains none, the base model, also as what each method answers from."""
    benchmark: ModelBenchmark[Any] = made(lab, spec)
    if trained:
        for cell, family, model, partial in evaluations.trained_models(lab, spec, trained):
            yield _measured(lab, benchmark, cell, family, model, partial)
        return
    model = evaluations.base_model(lab, benchmark)
    methods = [
        lab.registry.method(split_spec(lab.registry, name)[0]) for name in lab.config.methods
    ]
    for method in methods:
        evaluations.check_alone(method, spec)
    rows = [
        ("base", "baseline"),
        *zip(lab.config.methods, [m.family for m in methods], strict=True),
    ]
    for name, family in rows:
        cell = Cell(name, spec, "default", model_name(lab.config.model), 0)
        yield _measured(lab, benchmark, cell, family, model, False)


def _measured(
    lab: Lab, benchmark: ModelBenchmark[Any], cell: Cell, family: str, model: Model, partial: bool
) -> PlannedCell:
    stage = evaluations.measure(lab, benchmark, model, f"{cell.method} on {cell.benchmark}")
    return PlannedCell(
        cell, family, benchmark, {0: stage}, reduced=partial or lab.config.limit is not None
    )


def _experiment_cells(
    lab: Lab, experiment: Experiment[Any], split: str, methods: Fitting
) -> Iterator[PlannedCell]:
    """One stage a cell; no language model takes part."""
    for spec, (method, _) in methods.items():
        _refuse_training_settings(lab, experiment, spec)
        for seed in method_seeds(lab.config, lab.registry, spec):
            settings: dict[str, Json] = {
                "benchmark": experiment.name,
                "settings": jsonable(experiment.config),
                "source": lab.registry.source_digest(type(experiment)),
                "method": method.name,
                "method_settings": jsonable(method.config),
                "method_source": lab.registry.source_digest(type(method), method.modules),
                "split": split,
                "seed": seed,
            }
            build = experiment_stage.measuring(lab, experiment, method, split, seed)
            stage = Stage("measure", settings, build, label=f"{experiment.name}: {spec}")
            cell = Cell(spec, experiment.name, split, "none", seed)
            yield PlannedCell(cell, method.family, experiment, {0: stage})


def _refuse_training_settings(lab: Lab, experiment: Experiment[Any], spec: str) -> None:
    """An experiment trains in its own way: a learning rate given to a method would be ignored, so it is refused.

    Beside other benchmarks it is not: there the rate has an effect.
    """
    if not only_experiments(lab.config, lab.registry):
        return
    name, variant = split_spec(lab.registry, spec)
    given = {*variant, *lab.config.sections.get(name, {})} & {f.name for f in fields(TrainConfig)}
    if given:
        raise UserError(
            f"method {spec!r}: {min(given)} has no effect on benchmark {experiment.name!r}, which has its own training "
            f"(see `suite list {experiment.name}`)"
        )


def model_name(spec: str) -> str:
    """What the table calls a model: paths are reduced to their last part."""
    return spec if spec.count("/") == 1 and not spec.startswith((".", "/")) else PurePath(spec).name
