"""What a training run is given: a method, its settings, rows, and where to start and to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.api.data import Item
from suite.api.method import Method
from suite.api.placement import Placement
from suite.api.reward import Rewarder
from suite.core.progress import Progress, Silent
from suite.model.reference import References
from suite.settings import TrainConfig


@dataclass
class TrainJob:
    """One training run."""

    method: Method[Any]
    config: TrainConfig
    seed: int
    start: Path
    """Model folder to start from."""
    roles: Mapping[str, Sequence[Item]]
    references: References
    out: Path
    scratch: Path
    dtype: str = "float32"
    placement: Placement = field(default_factory=Placement)
    """Where the model lies while it trains."""
    label: str = ""
    epochs: frozenset[int] | None = None
    """The epochs after which a model folder is written; None: every epoch."""
    checkpoint_seconds: float = 60.0
    """A step checkpoint is written when this much time has passed since the last one."""
    rewarder: Rewarder | None = None
    progress: Progress = field(default_factory=Silent)
    on_step: Callable[[int, Mapping[str, float]], None] = lambda step, metrics: None

    @property
    def device(self) -> str:
        """Where tensors live."""
        return self.placement.device
