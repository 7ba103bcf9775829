"""How a cell's models come about, and how a stage comes by a reward: what `TextStages` hands around."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.api.method import Method
from suite.api.reward import Reward
from suite.store import Build, Json, Stage


@dataclass(frozen=True)
class Model:
    """A stage that holds model folders, and which of them is meant."""

    stage: Stage
    epoch: int | None = None
    """None: the stage's folder itself is the model."""

    def folder(self, root: Path) -> Path:
        """The model folder within the stage's finished folder."""
        return root if self.epoch is None else root / f"epoch-{self.epoch:02d}"


@dataclass(frozen=True)
class Trained:
    """How a cell's models come about."""

    models: Mapping[int, Model]
    """Epoch -> model, of the epochs that are evaluated; the last is the final step. Untrained: one, of epoch 0."""
    stage: Stage | None
    """The cell's training; None where a method trains nothing."""
    method: Method[Any] | None = None
    """None for a start model that no method touches."""

    @classmethod
    def by(cls, stage: Stage, epochs: Iterable[int], method: Method[Any] | None = None) -> Trained:
        """The epochs of a training stage."""
        return cls({epoch: Model(stage, epoch) for epoch in epochs}, stage, method)

    @property
    def final(self) -> Model:
        """The model of the final step."""
        return self.models[max(self.models)]


@dataclass(frozen=True)
class RewardUse:
    """How a stage comes by a reward."""

    spec: Json
    """Part of the stage's key; None: no reward."""
    inputs: Mapping[str, Stage]
    open: Callable[[Build], Reward | None]
