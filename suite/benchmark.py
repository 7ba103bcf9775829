"""A benchmark: which data a method trains on, what is asked of the trained model, how the answers are scored.

data = bench.load(source)                     roles -> rows, evaluation sets
requests = bench.requests(data)               what every model of the comparison is asked
scores = bench.score(data, responses, retrain_responses)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from suite.method import Method
    from suite.progress import Progress
    from suite.results import CellResult
    from suite.rewards import Reward

C = TypeVar("C")


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Row:
    """One training text: the completion is learnt (or forgotten), the prompt only conditions it."""

    id: str
    prompt: tuple[Message, ...]
    completion: str
    cluster: str = ""
    """What the row belongs to (TOFU: the author); rows of a cluster are not independent."""


@dataclass(frozen=True)
class Pair:
    """Two completions of one prompt, the first preferred."""

    id: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    cluster: str = ""


@dataclass(frozen=True)
class Request:
    """One thing asked of a model. Requests with equal prompts share the prompt's computation."""

    id: str
    """"<item id>/<what is asked>", e.g. "forget/12/paraphrased"."""
    kind: Literal["loglikelihood", "generate"]
    prompt: tuple[Message, ...]
    completion: str = ""
    """loglikelihood: the text that is scored. generate: a guess at the answer (checked, never trusted) or ""."""
    max_new_tokens: int = 200
    temperature: float = 0.0
    n: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Response:
    """The answer to the request of the same id."""

    id: str
    token_logps: tuple[float, ...] = ()
    """loglikelihood: log-probability of each completion token, end-of-sequence last, nats."""
    greedy: tuple[bool, ...] = ()
    """loglikelihood: whether the model's most likely token was that token."""
    tokens: tuple[int, ...] = ()
    """loglikelihood: the completion's tokens, by the model's own tokenizer; () where the engine does not tell."""
    texts: tuple[str, ...] = ()
    """generate: n continuations."""
    finished: tuple[bool, ...] = ()
    """generate: whether each ended by itself (False: cut at max_new_tokens)."""
    sampled: tuple[tuple[int, ...], ...] = ()
    """generate at a temperature above 0: the tokens of each text, end-of-sequence included where it ended; () where
    the engine does not tell."""
    kl: tuple[float, ...] = ()
    """generate: of each text, the sum over its tokens of KL(policy || starting model), nats; only where the benchmark
    `measures_kl`."""
    reward: float | None = None
    """loglikelihood: the completion's reward, where a reward model answers; it has no log-probabilities."""


@dataclass(frozen=True)
class ItemScore:
    """One metric of one item, as stored, so that every aggregate can be recomputed."""

    metric: str
    set: str
    """The evaluation set, e.g. "forget"."""
    item_id: str
    cluster_id: str
    value: float | None
    note: str = ""
    """Why the value is missing."""


@dataclass(frozen=True)
class Metric:
    """One number of the leaderboard: finite, or None with the reason in `note`."""

    name: str
    value: float | None
    higher_is_better: bool | None
    """None: neither (a count, a diagnostic)."""
    unit: str = ""
    n: int = 0
    n_clusters: int = 0
    ci_low: float | None = None
    ci_high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class CurvePoint:
    """What was measured in the course of an experiment.

    The report draws metrics named "group/panel/line", e.g. "D1/tau=0.1/a": a picture for each group, with a row of
    panels for each method. "D1/tau=0.1/a*optimum" at one step is a value to compare line `a` with, drawn dashed.
    Axes run from 0 to 1 if a `Metric` of the group has the unit "probability".
    """

    step: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Scores:
    """What a benchmark measured of one cell."""

    items: Sequence[ItemScore]
    metrics: Sequence[Metric]
    curve: Sequence[CurvePoint] = ()
    """For learning curves; only experiments give one."""


@dataclass(frozen=True)
class BenchmarkData:
    """Everything that a benchmark read, in memory."""

    roles: Mapping[str, Sequence[Row] | Sequence[Pair]]
    """Training role -> rows: forget, retain, pairs, ... (a role that is not offered is absent). Rows of `prompts`
    have an empty completion."""
    starts: Mapping[str, Sequence[Row]]
    """Models fine-tuned from the base before any method runs -> rows, e.g. target, retrain. The first is where
    methods start; all of them are rows of the table."""
    sets: Mapping[str, Sequence[Mapping[str, Any]]]
    """Evaluation set -> items, in the benchmark's own shape."""
    revision: str
    """Source and revision of the data, for the report."""
    partial: bool = False
    """Whether it is only a part of the benchmark (a limit on questions, fewer authors): never ranked."""
    notes: Sequence[str] = field(default=())
    """What a reader of the numbers must know: reductions, overlaps that were allowed, dropped rows."""


@dataclass(frozen=True)
class Source:
    """Where a benchmark's data comes from, and how much of it is wanted."""

    data: str | None
    """Folder or hub id; None: the benchmark's own."""
    split: str
    tiny: bool
    """Whether the run's model is the embedded one, which wants data of its own language."""
    limit: int | None = None
    """Evaluate on at most so many items of each set."""
    allow_overlap: bool = False
    """Go on although rows to forget are also rows to retain."""
    continues: bool = False
    """Whether an answer goes on right where its prompt ends (the template ends in {prompt}): its first space counts."""


@dataclass(frozen=True)
class Basis:
    """Which item scores a headline metric is made of, so that the report can say how sure it is of a difference."""

    parts: tuple[tuple[str, str], ...]
    """(set, metric of an item)."""
    kind: Literal["mean", "harmonic mean", "ks"] = "mean"
    """"ks": how far the scores lie from the baseline model's, as a Kolmogorov-Smirnov distance (less is better)."""


class Benchmark(ABC, Generic[C]):
    """What all benchmarks declare. Derive from `TextBenchmark` or from `Experiment`."""

    name: ClassVar[str]
    provides: ClassVar[frozenset[str]]
    """Roles that its training data offers."""
    splits: ClassVar[tuple[str, ...]] = ("default",)
    default_splits: ClassVar[tuple[str, ...]] = ()
    """Those that run where none is asked for; if empty, the first of `splits`."""
    primary: ClassVar[tuple[str, ...]]
    """Headline metrics, most important first; the leaderboard ranks by them."""
    best_by: ClassVar[str | None] = None
    """Metric whose best epoch is reported beside the final step."""
    baseline: ClassVar[str | None] = None
    """The start model that scores are compared with, e.g. "retrain"."""
    files: ClassVar[Mapping[str, str]] = {}
    """Files of other tools that `score_files` reads: option -> help. {"retrain": "..."} gives `suite score --bench
    NAME --retrain FILE`."""
    basis: ClassVar[Mapping[str, Basis]] = {}
    """What headline metrics are made of; a mean of the item scores of its own name needs no mention."""
    reference_point: ClassVar[Mapping[str, float]] = {}
    """Two metrics, with the fixed values above (or below) which hypervolume counts."""
    argument: ClassVar[str | None] = None
    """The setting that may stand behind its name, e.g. "task": --bench lm_eval:arc_easy."""
    Config: ClassVar[type[Any]]

    def __init__(self, config: C) -> None:
        self.config = config

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """Settings that the benchmark's protocol prescribes for a model on a split: section -> field -> value."""
        return {}

    def score_files(self, files: Mapping[str, Path]) -> Scores:
        """Score what another tool measured, without a model. `files`: those of `self.files` that were given (at least
        one; each exists). Raises UserError naming the file and what it lacks."""
        raise NotImplementedError

    def compare(self, cells: Sequence[CellResult]) -> Sequence[Sequence[Metric]]:
        """Further metrics of each finished cell, which follow from its whole course or from the other cells."""
        return [()] * len(cells)


class TextBenchmark(Benchmark[C]):
    """A benchmark that trains and questions a language model."""

    sampled_roles: ClassVar[frozenset[str]] = frozenset()
    """Those of `provides` that `load` does not give, because they are made of answers of the starting model."""
    measures_kl: ClassVar[bool] = False
    """Whether `Response.kl` is wanted of every sampled text."""

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
    ) -> Mapping[str, Sequence[Row] | Sequence[Pair]]:
        """Make the rows of every sampled role of the starting model's answers. Raises UserError if there are none."""
        raise NotImplementedError(f"benchmark {self.name!r} has sampled_roles but no sampled_rows")

    @abstractmethod
    def score(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
    ) -> Scores:
        """Turn responses (by request id) into per-item scores and metrics; `baseline`: of the baseline model."""

    def score_method(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
        method: Method[Any] | None,
    ) -> Scores:
        """Score a cell; `method` trained it (None: a start model). Override it if scores depend on the method itself.

        A preference method has a reward of its own, for example. What the host calls is this.
        """
        return self.score(data, responses, baseline)

    def reward(self, data: BenchmarkData) -> Reward | None:
        """The ground truth that some methods train on, or None where the benchmark has none."""
        return None


class Experiment(Benchmark[C]):
    """A benchmark without a language model: it runs a method's loss on a problem of its own."""

    notes: ClassVar[tuple[str, ...]] = ()
    """What a reader of the numbers must know: choices that the paper leaves open, deviations."""

    @abstractmethod
    def measure(self, method: Method[Any], split: str, seed: int, progress: Progress) -> Scores:
        """Run `method` and measure it. Everything follows from the arguments and `self.config`."""
