"""The rules for judges, on a handful of comparisons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from suite.api.data import Message
from suite.api.judge import Comparison, Cost, Judge, Rewards, Verdict
from suite.api.stages import Host
from suite.core.errors import UserError
from suite.core.progress import Progress, Silent
from suite.judges.prompts import CRITERIA
from suite.settings import RunConfig
from suite.store import closure_digest
from suite.testing.asking import Digits
from suite.testing.rules import Broken, DoesNotApply, RuleBook
from suite.testing.settings import check_description, check_round_trip
from suite.testing.surroundings import disturb, untouched

JUDGE = RuleBook("judge")


@dataclass
class Alone:
    """What a judge sees of a run that has no models and no stages."""

    config: RunConfig = field(default_factory=RunConfig)
    progress: Progress = field(default_factory=Silent)
    device: str = "cpu"
    dtype: str = "float32"

    def source_digest(self, cls: type[Any]) -> str:
        """Digest of a class's code."""
        return closure_digest([cls.__module__])

    def __getattr__(self, name: str) -> Any:
        """Whatever else it asks for is not there."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise DoesNotApply(f"it needs {name!r} of a run, and the kit has none")


@dataclass
class JudgeUnderTest:
    """A judge's class with the settings to test it with."""

    cls: type[Judge[Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The judge's name."""
        return self.cls.name

    def make(self) -> Judge[Any]:
        """An instance. DoesNotApply: its settings do not allow one here."""
        config = self.cls.Config(**self.settings)
        try:
            return self.cls(config, cast(Host, Alone()), Rewards(truth=Digits()))
        except UserError as error:
            raise DoesNotApply(f"it cannot be made as it is: {error}") from None

    def verdicts(self) -> list[Verdict]:
        """What it says of the kit's comparisons."""
        judge = self.make()
        if judge.inputs():
            raise DoesNotApply("it needs a model that a run makes")
        try:
            judge.open({})
            return list(judge.compare(comparisons()))
        except UserError as error:
            raise DoesNotApply(f"it cannot judge here: {error}") from None


def comparisons() -> list[Comparison]:
    """Answers that are long, short, empty and equal; an id stands once."""
    prompt = (Message("user", "How many books did Anna write?"),)
    criterion = next(iter(CRITERIA))
    answers = [("7", "12 books."), ("12 books.", "7"), ("", "3"), ("3", "3"), ("ä\n|", "x" * 200)]
    return [
        Comparison(f"q/{i}", prompt, first, second, criterion)
        for i, (first, second) in enumerate(answers)
    ]


@JUDGE.rule
def documented(judge: JudgeUnderTest) -> None:
    """The class says in one line what it is, and every setting what it means."""
    check_description(judge.cls)


@JUDGE.rule
def settings(judge: JudgeUnderTest) -> None:
    """Settings are frozen, and come back from a file as they were."""
    check_round_trip(judge.cls, dict(judge.settings))


@JUDGE.rule
def identity(judge: JudgeUnderTest) -> None:
    """`identity` is JSON: verdicts are found by it."""
    made = judge.make()
    try:
        json.dumps(made.identity(), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Broken(
            f"identity() is no JSON: {error}", "numbers, texts and lists of them"
        ) from None
    if not made.describe().strip():
        raise Broken("describe() is empty", "a name for the report")


@JUDGE.rule
def cost(judge: JudgeUnderTest) -> None:
    """`forecast` gives a cost that is not negative."""
    found = judge.make().forecast(comparisons()[0])
    if not isinstance(found, Cost) or min(found.calls, found.tokens_in, found.tokens_out) < 0:
        raise Broken(f"forecast gives {found!r}", "a Cost, nothing below 0")


@JUDGE.essential
def verdicts(judge: JudgeUnderTest) -> None:
    """Every comparison has one verdict, of its id: first, second, tie, or None with a reason."""
    found = judge.verdicts()
    asked = [each.id for each in comparisons()]
    if sorted(each.id for each in found) != sorted(asked):
        raise Broken(f"asked {asked}, it judges {[each.id for each in found]}", "each once")
    for each in found:
        if each.choice not in ("first", "second", "tie", None):
            raise Broken(f"a verdict is {each.choice!r}", '"first", "second", "tie" or None')
        if each.choice is None and not each.note:
            raise Broken("a verdict is None without a reason", "why, in `note`")


@JUDGE.rule
def reproducible(judge: JudgeUnderTest) -> None:
    """The same comparison has the same verdict, whatever other programs have drawn."""
    found = []
    for world in (0, 1):
        disturb(world)
        found.append({each.id: each.choice for each in judge.verdicts()})
    if found[0] != found[1]:
        raise Broken(
            "asked the same twice, it judges differently", "draws seeded by what is judged"
        )


@JUDGE.rule
def surroundings(judge: JudgeUnderTest) -> None:
    """Judging changes nothing that belongs to the whole process."""
    with untouched("judging"):
        judge.verdicts()
