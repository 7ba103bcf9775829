"""A cell, with the stages that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite.api.benchmark import Benchmark
from suite.api.cells import Cell
from suite.plan.text_stages import TextStages
from suite.store import Stage


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
