"""A judge that says what a test wants, and runs of a judge as a stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from suite import Message
from suite.api.judge import Comparison, Judge, Verdict
from suite.api.judged import Judged, Question
from suite.judges.asking import read_judged
from suite.judges.judging import Judging
from suite.registry import Registry
from suite.settings import RunConfig
from suite.stages.context import Context
from suite.store import JsonlWriter, Stage, Store


@pytest.fixture(scope="session")
def context() -> Context:
    return Context(RunConfig(), Registry.load())


@dataclass(frozen=True)
class ScriptConfig:
    pass


@dataclass
class Script(Judge[ScriptConfig]):
    """Answers by a function of the comparison, and remembers what it was asked."""

    name = "script"
    Config = ScriptConfig

    context: Context
    say: Callable[[Comparison], Verdict]
    asked: list[Comparison] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        return {}

    def compare(self, comparisons: Sequence[Comparison]) -> Iterator[Verdict]:
        for each in comparisons:
            self.asked.append(each)
            yield replace(self.say(each), id=each.id)


def question(number: int, reference: str = "It is Arvik.") -> Question:
    return Question(
        f"t0/{number}/answer", (Message("user", f"Where is {number}?"),), reference, "helpfulness"
    )


def responses(folder: Path, texts: dict[str, str]) -> Stage:
    """A stage like `respond`, of given texts."""

    def build(build: Any) -> None:
        with JsonlWriter(build.out / "responses.jsonl") as log:
            for id, text in texts.items():
                log.append({"id": id, "texts": [text], "finished": [True]})

    return Stage("respond", {"texts": texts}, build)


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., dict[str, Judged]]:
    """Judge texts against the references of `question`, in a store of the test's own."""

    def run(
        judge: Judge[Any], texts: dict[int, str], reference: str = "It is Arvik."
    ) -> dict[str, Judged]:
        questions = [question(number, reference) for number in texts]
        given = responses(tmp_path, {f"t0/{number}/answer": text for number, text in texts.items()})
        stage = Judging(judge, questions, None).verdicts(given, "test")
        return read_judged(Store(tmp_path / "store").ensure(stage))

    return run
