"""How a cell's models come about, and how a stage comes by a reward: what planning hands around."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.api.method import Method
from suite.store import Json, Stage


def folder_of(root: Path, epoch: int | None) -> Path:
    """The model folder within a stage's finished folder; None: the folder itself is the model."""
    return root / part_of(epoch)


def part_of(epoch: int | None) -> str:
    """How the model folder is called within its stage; "": the stage's folder itself."""
    return "" if epoch is None else f"epoch-{epoch:02d}"


def epochs_in(root: Path) -> dict[int, Path]:
    """The model folders that are there of a finished training, by epoch."""
    return {int(path.name.removeprefix("epoch-")): path for path in sorted(root.glob("epoch-*"))}


@dataclass(frozen=True)
class Model:
    """A stage that holds model folders, and which of them is meant."""

    stage: Stage
    epoch: int | None = None
    """None: the stage's folder itself is the model."""

    def folder(self, root: Path) -> Path:
        """The model folder within the stage's finished folder."""
        return folder_of(root, self.epoch)


@dataclass(frozen=True)
class Trained:
    """How a cell's models come about."""

    models: Mapping[int, Model]
    """Epoch -> model, of the epochs that are evaluated; the last is the final step. Untrained: one,
    of epoch 0."""
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

    spec: Mapping[str, Json] | None = None
    """Part of the stage's spec; None: no reward."""
    inputs: Mapping[str, Stage | Model] = field(default_factory=dict)
