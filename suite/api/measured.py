"""A benchmark that measures finished models and trains none.

    suite run --methods npo --bench tofu,lm_eval:arc_easy

It measures the models that the run's other benchmarks make: their start models, and what each
method made of them. Named alone, it measures the model itself.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from suite.api.benchmark import Benchmark, C
from suite.api.scores import Scores
from suite.core.progress import Progress
from suite.store import Json


@dataclass(frozen=True)
class Described:
    """What is known of a measurement before it is made."""

    revision: str
    """Source and revision of the data, for the report."""
    identity: Json
    """All that determines the scores beside the model, the engine and the plugin's code; part of
    the store's key."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelFolder:
    """A model to be measured, and how."""

    folder: Path
    device: str
    dtype: str
    engine: str
    """Name of the run's engine."""
    settings: Any
    """That engine's settings, an object of its `Config`."""
    limit: int | None
    """Measure on at most so many items of each set."""
    progress: Progress
    label: str


@dataclass(frozen=True)
class Measured:
    """What was found."""

    scores: Scores
    samples: Sequence[dict[str, Json]] = ()
    """As `suite.results.samples.Sample`: set, item_id, prompt, reference, generation, others,
    scores."""


class ModelBenchmark(Benchmark[C]):
    """Measures models that other benchmarks make; it has no training data.

    The table's headline metrics are those that `measure` gives first: a direction, and no "/" in
    the name.
    """

    trains: ClassVar[Literal["model", "loss", "nothing"]] = "nothing"
    provides: ClassVar[frozenset[str]] = frozenset()
    primary: ClassVar[tuple[str, ...]] = ("score",)
    """Only where no model could be measured."""

    @abstractmethod
    def describe(self, engine: str) -> Described:
        """Called while planning. UserError: what is asked for does not exist, or not with that
        engine."""

    @abstractmethod
    def measure(self, model: ModelFolder, out: Path) -> Measured:
        """Measure a model; logs may be written into `out`, beside what the host writes there."""
