"""A judge that says what a test wants, and runs of a judge as a stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from suite import Message
from suite.api.judge import Comparison, Judge, Verdict
from suite.api.stages import builds
from suite.api.verdicts import Judged, Question
from suite.judges.asking import read_judged
from suite.judges.judging import Judging
from suite.registry import Registry
from suite.run.kinds import open_context
from suite.settings import RunConfig
from suite.stages.context import Context
from suite.store import Build, JsonlWriter, Store


@pytest.fixture(scope="session")
def context() -> Context:
    context = open_context(RunConfig(), Registry.load())
    context.kinds = {**context.kinds, write_given.name: write_given}
    return context


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


@builds("given")
def write_given(build: Build, host: object) -> None:
    """A stage like `respond`, of given texts."""
    with JsonlWriter(build.out / "responses.jsonl") as log:
        for id, text in build.spec["texts"].items():
            log.append({"id": id, "kind": "generate", "texts": [text], "finished": [True]})


@pytest.fixture
def judged(tmp_path: Path, context: Context) -> Callable[..., dict[str, Judged]]:
    """Judge texts against the references of `question`, in a store and a run of the test's own."""
    context.verdicts.clear()

    def run(
        judge: Judge[Any], texts: dict[int, str], reference: str = "It is Arvik."
    ) -> dict[str, Judged]:
        questions = [question(number, reference) for number in texts]
        own = {f"t0/{number}/answer": text for number, text in texts.items()}
        given = context.stage("given", {"texts": own})
        stage = Judging(context, judge, questions, None).verdicts(given, "test")
        store = Store(tmp_path / "store", builder=context.build)
        return read_judged(store.ensure(stage))

    return run
