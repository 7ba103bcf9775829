"""A benchmark: which data a method trains on, what is asked of the trained model, how the answers
are scored.

data = bench.load(source)                     roles -> rows, evaluation sets
requests = bench.requests(data)               what every model of the comparison is asked
scores = bench.score(data, responses, retrain_responses)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from suite.api.cells import CellResult
from suite.api.data import BenchmarkData, Given, Source
from suite.api.exports import Export
from suite.api.files import DataFile
from suite.api.knowledge import Knowledge
from suite.api.method import Method
from suite.api.phases import Phase
from suite.api.pictures import GENERAL, MetricColumn, Picture
from suite.api.requests import Request, Response
from suite.api.reward import Reward
from suite.api.scores import Basis, Metric, Scores
from suite.api.verdicts import Question, Verdicts
from suite.core.progress import Progress

C = TypeVar("C")


@dataclass(frozen=True)
class Asked:
    """All that a cell of a `TextBenchmark` is scored by."""

    data: BenchmarkData
    responses: Mapping[str, Response]
    """By request id."""
    baselines: tuple[Mapping[str, Response], ...] = ()
    """Answers of the baseline model to the same requests: of the cell's own start, or of every
    start seed where the benchmark `compares_every_start`. Empty: there is no baseline model."""
    method: Method[Any] | None = None
    """Who trained the cell's model; None: a start model, or the scores do not depend on it."""
    verdicts: Verdicts | None = None
    """What the judge said, on a benchmark that is judged."""

    @property
    def baseline(self) -> Mapping[str, Response] | None:
        """The first of `baselines`."""
        return self.baselines[0] if self.baselines else None


class Benchmark(ABC, Generic[C]):
    """What all benchmarks declare. Derive from `TextBenchmark` or from `Experiment`."""

    name: ClassVar[str]
    trains: ClassVar[Literal["model", "loss", "nothing"]]
    """What its cells train: a language model, a problem of its own by a method's loss, or nothing
    (it measures the models of other benchmarks). Its base class says so."""
    judged: ClassVar[bool] = False
    """Whether a judge compares the answers."""
    notes: ClassVar[tuple[str, ...]] = ()
    """What a reader of the numbers must know, beside what `load` finds in the data."""
    provides: ClassVar[frozenset[str]]
    """Roles that its training data offers."""
    splits: ClassVar[tuple[str, ...]] = ("default",)
    default_splits: ClassVar[tuple[str, ...]] = ()
    """Those that run where none is asked for; if empty, the first of `splits`."""
    primary: ClassVar[tuple[str, ...]]
    """Headline metrics, most important first; the leaderboard ranks by them."""
    best_by: ClassVar[str | None] = None
    """Metric whose best epoch is reported beside the final step."""
    starts: ClassVar[tuple[str, ...]] = ()
    """Names of the start models that `load` may give, in its order: where methods start comes
    first. A user can bring each instead of having it fine-tuned: --start NAME=MODEL."""
    baseline: ClassVar[str | None] = None
    """The start model that scores are compared with, e.g. "retrain"."""
    compares_every_start: ClassVar[bool] = False
    """Whether a cell is compared with the baseline models of all start seeds; else with its own."""
    data_files: ClassVar[tuple[DataFile, ...]] = ()
    """Files that it reads from `--data`, which `suite data` shows."""
    files: ClassVar[Mapping[str, str]] = {}
    """Files of other tools that `score_files` reads: option -> help. {"retrain": "..."} gives
    `suite score --bench NAME --retrain FILE`."""
    basis: ClassVar[Mapping[str, Basis]] = {}
    """What headline metrics are made of; a mean of the item scores of its own name needs no
    mention."""
    reference_point: ClassVar[Mapping[str, float]] = {}
    """Two metrics, with the fixed values above (or below) which hypervolume counts."""
    pictures: ClassVar[tuple[Picture, ...]] = GENERAL
    """What its part of the report draws, in order; see `suite.api.pictures`."""
    columns: ClassVar[tuple[MetricColumn, ...]] = ()
    """Metrics that the leaderboard shows beside `primary`."""
    exports: ClassVar[tuple[Export, ...]] = ()
    """Other tools' files that its results can be written into, see `suite.api.exports`."""
    smallest_difference: ClassVar[Mapping[str, float]] = {}
    """Headline metric -> the smallest difference of interest; what is smaller parts no methods.
    Without one: .01 of the metric's scale, .05 of a KS distance."""
    runs_are_drawn: ClassVar[bool] = True
    """Whether another seed gives another model, so that one run parts no methods. False where the
    clusters are the runs, or where finished models are compared."""
    argument: ClassVar[str | None] = None
    """The setting that may stand behind its name, e.g. "task": --bench lm_eval:arc_easy."""
    Config: ClassVar[type[Any]]

    def __init__(self, config: C) -> None:
        self.config = config

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """Settings that the benchmark's protocol prescribes for a model on a split: section ->
        field -> value."""
        return {}

    def score_files(self, files: Mapping[str, Path]) -> Scores:
        """Score what another tool measured, without a model. `files`: those of `self.files` that
        were given (at least one; each exists). Raises UserError naming the file and what it
        lacks."""
        raise NotImplementedError

    def check(self) -> None:
        """Called before anything is computed: raise UserError if data is missing."""
        return

    def compare(self, cells: Sequence[CellResult]) -> Sequence[Sequence[Metric]]:
        """Further metrics of each finished cell, which follow from its whole course or from the
        other cells."""
        return [()] * len(cells)


class TextBenchmark(Benchmark[C]):
    """A benchmark that trains and questions a language model."""

    trains: ClassVar[Literal["model", "loss", "nothing"]] = "model"

    sampled_roles: ClassVar[frozenset[str]] = frozenset()
    """Those of `provides` that `load` does not give, because they are made of answers of the
    starting model."""
    phases: ClassVar[tuple[Phase, ...]] = ()
    """What happens to every trained model after its method's training, in order; see
    `suite.api.phases`."""
    knowledge: ClassVar[Knowledge | None] = None
    """What is to be forgotten, and how it is scored; None: there is nothing to attack."""
    measures_kl: ClassVar[bool] = False
    """Whether `Generated.kl` is wanted of every sampled text."""

    @abstractmethod
    def load(self, source: Source) -> BenchmarkData:
        """Read and check the data. Raises UserError naming file, line and column."""

    @abstractmethod
    def requests(self, data: BenchmarkData) -> list[Request]:
        """List what every model of the comparison is asked."""

    def sampling_requests(self, data: BenchmarkData) -> list[Request]:
        """List what the starting model is asked, to make the sampled roles of its answers."""
        raise NotImplementedError(
            f"benchmark {self.name!r} has sampled_roles but no sampling_requests"
        )

    def sampled_rows(
        self, data: BenchmarkData, responses: Mapping[str, Response]
    ) -> Mapping[str, Given]:
        """Make the rows of every sampled role of the starting model's answers. Raises UserError if
        there are none."""
        raise NotImplementedError(f"benchmark {self.name!r} has sampled_roles but no sampled_rows")

    @abstractmethod
    def score(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
    ) -> Scores:
        """Turn responses (by request id) into per-item scores and metrics; `baseline`: of the
        baseline model."""

    def score_method(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
        method: Method[Any] | None,
    ) -> Scores:
        """Score a cell; `method` trained it (None: a start model). Override it if scores depend on
        the method itself.

        A preference method has a reward of its own, for example.
        """
        return self.score(data, responses, baseline)

    def score_cell(self, asked: Asked) -> Scores:
        """Score a cell. The host calls this; benchmarks define `score` or `score_method`."""
        return self.score_method(asked.data, asked.responses, asked.baseline, asked.method)

    @property
    def against(self) -> str:
        """Whose answers a judge compares with; see `JudgedBenchmark`."""
        return ""

    def questions(self, data: BenchmarkData) -> Sequence[Question]:
        """List what a judge is asked; see `JudgedBenchmark`."""
        return ()

    def reward(self, data: BenchmarkData) -> Reward | None:
        """The ground truth that some methods train on, or None where the benchmark has none."""
        return None


class Experiment(Benchmark[C]):
    """A benchmark without a language model: it runs a method's loss on a problem of its own."""

    trains: ClassVar[Literal["model", "loss", "nothing"]] = "loss"
    runs_are_drawn: ClassVar[bool] = False  # it repeats its own runs, and they are the clusters

    @abstractmethod
    def measure(self, method: Method[Any], split: str, seed: int, progress: Progress) -> Scores:
        """Run `method` and measure it. Everything follows from the arguments and `self.config`."""
