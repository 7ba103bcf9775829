"""A cell, with the stages that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from suite.api.benchmark import Benchmark
from suite.api.cells import Cell
from suite.api.method import Method
from suite.api.phases import TRAINING
from suite.plan.text_stages import TextStages
from suite.stages.handles import Model
from suite.store import Stage


@dataclass(frozen=True)
class AttackPoint:
    """What was done to an attacked model."""

    spec: str
    """As in --attack."""
    metric: str
    """What is compared before and after."""
    utility: str
    """What should have stayed."""
    variant: str
    """Point of the attack's grid; "" where it has none, and before the attack."""
    step: int | None
    """Optimiser steps of the attack: 0 before it, None where it trains nothing."""

    @property
    def shown(self) -> str:
        """In words: "relearn, lr=1e-05, step 20"; "relearn, before"."""
        step = f"step {self.step}" if self.step else ""
        if self.step == 0:
            step = "before"
        return ", ".join(filter(None, (self.spec, self.variant, step)))


@dataclass(frozen=True)
class Evaluated:
    """One model of a cell and what is measured of it."""

    phase: str
    """TRAINING, or the name of a later phase or attack."""
    epoch: int
    """Epochs of training that the model has seen; an experiment, and a model that nothing trained,
    has epoch 0."""
    score: Stage
    model: Model | None = None
    """None: an experiment, which has no language model."""
    responses: Stage | None = None
    """None: nothing was asked of it."""
    verdicts: Stage | None = None
    """None: nobody judged its answers."""
    attack: AttackPoint | None = None
    """None: the cell's own model, as its method or a phase of the benchmark left it."""

    @property
    def made(self) -> Iterator[Stage]:
        """What its model and evaluating it take."""
        yield from self.stages
        if self.model is not None:
            yield self.model.stage

    @property
    def stages(self) -> Iterator[Stage]:
        """What evaluating it takes, the last first."""
        yield self.score
        yield from (stage for stage in (self.responses, self.verdicts) if stage is not None)


@dataclass(frozen=True)
class PlannedCell:
    """A cell and the stages that end in its scores."""

    cell: Cell
    family: str
    benchmark: Benchmark[Any]
    evaluated: tuple[Evaluated, ...]
    """By phase and epoch, in order."""
    texts: TextStages | None = None
    """None: no language model is trained for it, or another benchmark's cell trained it."""
    train: Stage | None = None
    method: Method[Any] | None = None
    """None: a start model, an experiment, or another benchmark's model."""
    reduced: bool = False
    """Whether its model was made, or is measured, on a part of a benchmark."""
    notes: tuple[str, ...] = ()
    """What a reader of its numbers must know."""

    @property
    def trained(self) -> tuple[Evaluated, ...]:
        """The epochs of the method's own training; the last is the final step."""
        return tuple(each for each in self.evaluated if each.phase == TRAINING)

    @property
    def final(self) -> Evaluated:
        """The final step of the method's own training: what is compared."""
        return self.trained[-1]

    @property
    def later(self) -> tuple[Evaluated, ...]:
        """The benchmark's phases after training."""
        return tuple(
            each for each in self.evaluated if each.phase != TRAINING and each.attack is None
        )

    @property
    def own(self) -> tuple[Evaluated, ...]:
        """All but attacks."""
        return tuple(each for each in self.evaluated if each.attack is None)

    @property
    def attacked(self) -> tuple[tuple[Evaluated, AttackPoint], ...]:
        """Attacks on the final step, before and after, with what was done."""
        return tuple((each, each.attack) for each in self.evaluated if each.attack is not None)

    @property
    def partial(self) -> bool:
        """Whether it is evaluated on a part of the benchmark."""
        return self.reduced or (self.texts is not None and self.texts.data.partial)
