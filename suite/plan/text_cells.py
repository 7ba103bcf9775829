"""The cells of a benchmark that trains a language model.

Start models come first (rows of the table too), then every method; each once for every start seed,
and a method that trains once for every seed, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from suite.api.cells import Cell
from suite.api.finished import FinishedModel
from suite.api.method import Method
from suite.api.phases import TRAINING
from suite.config import method_seeds
from suite.core.errors import DoesNotFit, UserError
from suite.core.places import model_name
from suite.plan.attacks import PlannedAttack, attacked, plan_attacks
from suite.plan.cell import Evaluated, PlannedCell
from suite.plan.fitting import Fitting, LeftOut
from suite.plan.reading import Reading
from suite.plan.refusals import (
    check_answers,
    check_layers,
    check_reward,
    check_rows,
    check_steps,
)
from suite.plan.text_stages import TextStages, answers_itself
from suite.settings import TrainConfig
from suite.stages.base_model import origin
from suite.stages.context import Context
from suite.stages.handles import Model, Trained


def text_cells(reading: Reading, methods: Fitting, left_out: LeftOut) -> Iterator[PlannedCell]:
    """The cells of one benchmark and split. Adds to `left_out` what does not fit."""
    # Before the data, which a model that is not there would make us fetch in vain.
    _ = TextStages(reading).base
    starts = TextStages.of_seeds(reading, _start_seeds(reading))
    _drop_what_does_not_fit(starts[0], methods, left_out)
    if not methods:
        return
    attacks = plan_attacks(reading)
    for name in reading.starts:
        yield from _fitting_cells(name, left_out, _start_cells(name, starts, attacks))
    for spec in methods:
        name = reading.context.row(spec)
        cells = _method_cells(name, spec, *methods[spec], starts, attacks)
        yield from _fitting_cells(name, left_out, cells)


def _start_seeds(reading: Reading) -> tuple[int, ...]:
    """The run's start seeds; the first alone where nothing is trained that they could vary."""
    config = reading.context.config
    varied = config.model == "tiny" or any(reading.data.starts.values())
    return config.start_seeds if varied else config.start_seeds[:1]


def _drop_what_does_not_fit(stages: TextStages, methods: Fitting, left_out: LeftOut) -> None:
    """Take out the methods that the benchmark's data or questions do not suit; refuse settings that
    cannot work."""
    for spec, (method, config) in list(methods.items()):
        try:
            check_rows(type(method), stages)
            check_reward(type(method), stages)
            check_answers(type(method), stages)
        except DoesNotFit as error:
            left_out.setdefault(stages.context.row(spec), []).append(str(error))
            del methods[spec]
            continue
        check_steps(method, config, stages)
        check_layers(method, stages)


Made = Callable[[], PlannedCell]
"""Plans one cell. DoesNotFit: it cannot be."""


def _fitting_cells(spec: str, left_out: LeftOut, cells: Iterator[Made]) -> Iterator[PlannedCell]:
    """Those of a row's cells that fit; the reasons of the others are noted."""
    for make in cells:
        try:
            cell = make()
        except DoesNotFit as error:
            left_out.setdefault(spec, []).append(str(error))
            continue
        yield cell


def _start_cells(
    name: str, starts: Sequence[TextStages], attacks: Sequence[PlannedAttack]
) -> Iterator[Made]:
    """The cells of a start model. UserError: a method has its name."""
    first = starts[0]
    if name in map(first.context.row, first.context.config.methods):
        raise UserError(
            f"method {name!r} has the name of a start model of {first.benchmark.name!r}; rename it"
        )
    for stages in starts:
        models = stages.every(name)
        for place, trained in enumerate(models):
            named = [f"model {place + 1}"] if len(models) > 1 else []
            shown = _shown(name, stages, named)
            cell = _TextCell(stages, name, "baseline", 0, shown, trained, attacks)
            # Several models that are there count as those of several start seeds.
            yield replace(cell, start_seed=stages.start_seed + place).planned


def _method_cells(
    name: str,
    spec: str,
    method: Method[Any],
    config: TrainConfig,
    starts: Sequence[TextStages],
    attacks: Sequence[PlannedAttack],
) -> Iterator[Made]:
    """The cells of a method, by start seed and seed; of a finished model one, whatever the
    seeds."""
    context = starts[0].context
    if isinstance(method, FinishedModel):
        starts = starts[:1]
    seeds = method_seeds(context.config, context.registry, spec) if method.trains else (0,)
    for stages in starts:
        for seed in seeds:
            named = [f"seed {seed}"] if len(seeds) > 1 else []
            shown = _shown(name, stages, named)
            trained = stages.method(method, config, seed, shown)
            cell = _TextCell(stages, name, method.family, seed, shown, trained, attacks, config)
            yield replace(cell, notes=_notes(context, method)).planned


def _notes(context: Context, method: Method[Any]) -> tuple[str, ...]:
    """What a reader must know of a cell: where a finished model is from."""
    if not isinstance(method, FinishedModel):
        return ()
    return (f"a finished model: {origin(method.config.path)}",)


def _shown(spec: str, stages: TextStages, named: Sequence[str]) -> str:
    """What progress calls a cell: its method, and which of several starts and seeds it has."""
    several = len(stages.every_start) > 1
    parts = [*([f"start {stages.start_seed}"] if several else []), *named]
    return f"{spec} ({', '.join(parts)})" if parts else spec


@dataclass(frozen=True)
class _TextCell:
    """A cell, before its stages are made."""

    stages: TextStages
    name: str
    family: str
    seed: int
    shown: str
    trained: Trained
    attacks: Sequence[PlannedAttack] = ()
    config: TrainConfig | None = None
    """How its method trains, for later phases; None: a start model."""
    start_seed: int | None = None
    """None: that of its stages."""
    notes: tuple[str, ...] = ()

    def planned(self) -> PlannedCell:
        """The cell with all its evaluated models."""
        stages, trained = self.stages, self.trained
        benchmark = stages.benchmark
        model = model_name(stages.context.config.model)
        start = stages.start_seed if self.start_seed is None else self.start_seed
        cell = Cell(self.name, benchmark.name, stages.split, model, self.seed, start)
        evaluated = []
        for epoch, each in trained.models.items():
            label = f"{self.shown}, epoch {epoch}" if trained.stage else self.shown
            evaluated.append(self._evaluated(TRAINING, epoch, each, trained.method, label))
        final = evaluated[-1]
        evaluated += self._phases()
        evaluated += self._attacked(final)
        return PlannedCell(
            cell,
            self.family,
            benchmark,
            tuple(evaluated),
            stages,
            trained.stage,
            method=trained.method,
            notes=(*self.notes, *self._not_attacked()),
        )

    def _phases(self) -> Iterator[Evaluated]:
        """The models of the phases after training, each made of the one before."""
        method, config = self.trained.method, self.config
        if self.trained.stage is None or method is None or config is None:
            return
        model = self.trained.final
        for phase in self.stages.benchmark.phases:
            *_, model = self.stages.phase(phase, model, method, config, self.seed, self.shown)
            label = f"{self.shown}, {phase.name}"
            yield self._evaluated(phase.name, model.epoch or 0, model, None, label)

    def _attacked(self, final: Evaluated) -> Iterator[Evaluated]:
        """The attacks on the final model; none where its method answers in a way of its own."""
        method = self.trained.method
        if method is not None and answers_itself(method):
            return
        for planned in self.attacks:
            yield from attacked(self.stages, planned, final, self.seed, self.shown)

    def _not_attacked(self) -> Iterator[str]:
        method = self.trained.method
        if self.attacks and method is not None and answers_itself(method):
            yield "not attacked: it answers in a way of its own, and its model is another row's"

    def _evaluated(
        self, phase: str, epoch: int, model: Model, method: Method[Any] | None, label: str
    ) -> Evaluated:
        stages = self.stages
        responses = stages.respond(model, method, label)
        verdicts = stages.judging.verdicts(responses, label) if stages.judging else None
        score = stages.score(model, method, responses, verdicts, label)
        return Evaluated(phase, epoch, score, model, responses, verdicts)
