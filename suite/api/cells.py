"""One thing to compare (a cell), and what became of it: part of results.json."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from suite.api.scores import Metric

Status = Literal["ok", "failed", "diverged"]


class Closed:
    """A file with a field that is not declared here is refused, not half understood."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True, order=True)
class Cell(Closed):
    """One thing to compare: a method on a benchmark's split, from one model, with one seed and one
    seed of its start models."""

    method: str
    """Name of a method or of a start model, or a variant: "npo:beta=0.05"."""
    benchmark: str
    split: str
    model: str
    seed: int
    start_seed: int = 0
    """Seed of the models that it starts from and is compared with."""

    @property
    def table(self) -> tuple[str, str, str]:
        """The `Comparison.key` of the table that it is in."""
        return self.benchmark, self.split, self.model

    @property
    def run(self) -> tuple[int, int]:
        """Which of its method's runs it is: (start seed, seed)."""
        return self.start_seed, self.seed

    @property
    def shown_run(self) -> str:
        """The same in words: "seed 2", or "start 1, seed 2"."""
        start = f"start {self.start_seed}, " if self.start_seed else ""
        return f"{start}seed {self.seed}"

    @property
    def slug(self) -> str:
        """A file name for the cell: readable, safe on every file system, and never the same for two
        cells."""
        start = f"-start{self.start_seed}" if self.start_seed else ""
        names = (self.method, self.benchmark, self.split, self.model, f"seed{self.seed}{start}")
        parts = [
            name.encode("utf-8", "replace").decode() for name in names
        ]  # as results.json keeps them
        plain = "__".join(parts)
        if all(re.fullmatch(r"[a-z0-9]([a-z0-9.=,-]|_(?!_)){0,40}(?<!_)", part) for part in parts):
            return plain
        short = "__".join(
            re.sub(r"[^a-z0-9.=,-]+", "-", part.lower()).strip("-.")[:40] for part in parts
        )
        return f"{short}__{hashlib.sha256(ascii(parts).encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class CheckpointResult(Closed):
    """The metrics of one checkpoint of a cell."""

    label: Literal["final", "best"]
    epoch: float
    step: int
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class TrajectoryPoint(Closed):
    """The metrics after one epoch, by name."""

    epoch: float
    step: int
    metrics: dict[str, float | None]


@dataclass(frozen=True)
class Timing(Closed):
    """What a stage cost."""

    seconds: float
    """Wall-clock seconds of the computation itself, also when it was found in the store."""
    cached: bool = False
    """Whether this run found it in the store."""
    cpu_seconds: float | None = None
    """Processor time, all threads."""
    gpu_seconds: float | None = None
    """Wall-clock time with an accelerator held; 0 on a CPU."""
    tokens: int | None = None
    """Trained on, prompts and repetitions included."""
    peak_bytes: int | None = None
    """Most memory held: the accelerator's where there is one, else the process's."""


@dataclass(frozen=True)
class CellResult(Closed):
    """What became of a cell."""

    cell: Cell
    status: Status
    family: str
    """The method's family; "baseline" (target, retrain, ...): a row of the table that is not
    ranked."""
    metrics: tuple[Metric, ...] = ()
    """Of the final checkpoint."""
    best: CheckpointResult | None = None
    """The epoch that is best by the benchmark's `best_by`."""
    trajectory: tuple[TrajectoryPoint, ...] = ()
    partial: bool = False
    """Whether it was evaluated on a part of the questions (`--limit`)."""
    timings: dict[str, Timing] = field(default_factory=dict)
    """By stage: train, respond, score, ..."""
    environment: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Deviations from the published protocol, and whatever else a reader of the numbers must
    know."""
    error: str = ""
    """Why it is not ok."""
