"""Who compares two answers. A judge is a plugin; `--judge NAME` picks one, its settings are the
section `judge_NAME`.

    comparison = Comparison("t0/12/answer", prompt, "Arvik.", "I do not know.", "helpfulness")
    for verdict in judge.compare([comparison]): ...      Verdict("t0/12/answer", "first")

A judge sees one order of the two answers at a time. That both orders are asked, that equal answers
tie, that every verdict is kept as soon as it is there: all that is the host's
(`suite.judges.asking`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from suite.api.data import Message
from suite.api.reward import Reward
from suite.api.stages import Host
from suite.store import Json, Stage

C = TypeVar("C")
Choice = Literal["first", "second", "tie"]


@dataclass(frozen=True)
class Comparison:
    """Two answers to one prompt, in the order in which the judge sees them."""

    id: str
    prompt: tuple[Message, ...]
    first: str
    second: str
    criterion: str
    """What makes an answer better: a name of `suite.judges.prompts.CRITERIA`."""


@dataclass(frozen=True)
class Verdict:
    """What the judge says of the comparison of the same id."""

    id: str
    choice: Choice | None
    """None: the judge gave no verdict in the agreed form."""
    note: str = ""
    """Why there is none."""
    calls: int = 0
    """Paid requests that it took."""
    tokens_in: int = 0
    tokens_out: int = 0
    model: str = ""
    """Who judged, as the endpoint itself says."""


@dataclass(frozen=True)
class Cost:
    """What judging takes: paid requests, tokens, US dollars (None: the judge knows no price)."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = 0.0


class RewardModel(Protocol):
    """A reward model that the run trains, before it is there."""

    @property
    def stage(self) -> Stage:
        """The stage that trains it."""
        ...

    @property
    def epoch(self) -> int | None:
        """Which of the stage's models is meant."""
        ...

    def folder(self, root: Path) -> Path:
        """The model's folder within the stage's finished folder."""
        ...


@dataclass(frozen=True)
class Rewards:
    """Rewards that a benchmark offers to a judge."""

    truth: Reward | None = None
    """Its ground truth."""
    model: Callable[[], RewardModel] | None = None
    """Plans the reward model that is trained on its pairs. UserError: it has none."""


class Judge(ABC, Generic[C]):
    """Base class of every judge plugin. Making one is cheap; the first `compare` starts it."""

    name: ClassVar[str]
    revision: ClassVar[int | None] = None
    """None: verdicts are found by the judge's code, so a changed judge judges again. A judge that
    is paid for sets a number instead, so that a new version of its code asks (and pays for) nothing
    again; raise the number whenever the same comparison could get another verdict."""
    Config: ClassVar[type[Any]]
    """A frozen dataclass like a method's: the section `judge_NAME`."""
    extra: ClassVar[str] = ""
    """The package that it needs beside its distribution's own, if any. The distribution has an
    extra of the same name; a run that asks for it without the package is refused while planning."""

    def __init__(self, config: C, context: Host, rewards: Rewards | None = None) -> None:
        """`rewards`: what the benchmark offers. UserError: settings that cannot work."""
        self.config, self.context, self.rewards = config, context, rewards or Rewards()

    @abstractmethod
    def identity(self) -> dict[str, Json]:
        """Everything beside name and revision that decides verdicts: model, sampling. No secrets,
        no limits."""

    @abstractmethod
    def compare(self, comparisons: Sequence[Comparison]) -> Iterator[Verdict]:
        """Judge every comparison once, in any order, each verdict as soon as it is there."""

    def inputs(self) -> Mapping[str, Stage]:
        """Stages that must be finished before: the judge's own model, say."""
        return {}

    def open(self, folders: Mapping[str, Path]) -> None:
        """Take the finished folders of `inputs`. Called before `compare`, if there is something to
        compare."""

    def forecast(self, comparison: Comparison) -> Cost:
        """What one comparison will about cost, for `--dry-run`."""
        return Cost()

    def price(self, tokens_in: int, tokens_out: int) -> float | None:
        """US dollars for so many tokens; None where no price is known."""
        return 0.0

    def describe(self) -> str:
        """Name it in reports: "openai gpt-4.1"."""
        return self.name

    def instructions(self, criterion: str) -> str:
        """The text by which it judges, with its version, for the report; "" if it reads none."""
        return ""


def identity_of(judge: Judge[Any]) -> dict[str, Json]:
    """What verdicts are found by."""
    code = None if judge.revision is not None else judge.context.source_digest(type(judge))
    return {"judge": judge.name, "revision": judge.revision, "code": code, **judge.identity()}
