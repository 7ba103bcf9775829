"""Rules that plugins must keep, and what becomes of them.

    @METHOD.rule
    def accumulation(method: MethodUnderTest) -> None:
        "Cutting a step into micro-batches does not change its gradient."
        ...
        raise Broken("the gradient is 6 times as large", "divide by the step's counts")

A rule returns if it is kept. It raises `Broken` with what was seen and what was expected, or
`DoesNotApply` with the reason. Whatever else it raises came from the plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from suite.registry.blame import explain

PAGE = "docs/conformance.md"
"""Explains every rule, under a heading of its name."""

Check = TypeVar("Check", bound=Callable[[Any], None])
State = Literal["ok", "broken", "does not apply", "not checked"]


class Broken(Exception):
    """A rule is not kept."""

    def __init__(self, seen: str, expected: str) -> None:
        super().__init__(f"{seen}; expected: {expected}")
        self.seen, self.expected = seen, expected


class DoesNotApply(Exception):
    """A rule says nothing about this plugin; the message says why."""


class ConformanceError(AssertionError):
    """Some rules are broken; the message has one paragraph for each."""


@dataclass(frozen=True)
class Rule:
    """One thing that a plugin must do."""

    name: str
    promise: str
    check: Callable[[Any], None]
    essential: bool = False
    """If it is broken, the rules behind it are not checked: they would only repeat it."""

    @property
    def read(self) -> str:
        """Where it is explained."""
        return f"{PAGE}#{self.name.replace(' ', '-')}"


@dataclass(frozen=True)
class Outcome:
    """What became of one rule."""

    rule: Rule
    state: State
    seen: str = ""
    """What is wrong, or why the rule says nothing."""
    expected: str = ""

    def __str__(self) -> str:
        said = [f"{self.rule.name}: {self.seen}", f"expected: {self.expected}"]
        return "\n  ".join([*said, f"read: {self.rule.read}"])


@dataclass(frozen=True)
class Report:
    """What became of all rules for one plugin."""

    subject: str
    """"method npo"."""
    outcomes: Sequence[Outcome]

    @property
    def broken(self) -> list[Outcome]:
        """The rules that are not kept."""
        return [each for each in self.outcomes if each.state == "broken"]

    def raise_if_broken(self) -> None:
        """ConformanceError: some rules are broken."""
        if self.broken:
            told = "\n".join(map(str, self.broken))
            raise ConformanceError(f"{self.subject} breaks {_count(self.broken)}\n{told}")


@dataclass
class RuleBook:
    """The rules for one kind of plugin, in the order in which they are checked."""

    kind: str
    rules: list[Rule] = field(default_factory=list)

    def rule(self, function: Check) -> Check:
        """Add a rule: the function's name is the rule's, its docstring the promise."""
        return self._add(function, essential=False)

    def essential(self, function: Check) -> Check:
        """Add a rule without which those behind it mean nothing."""
        return self._add(function, essential=True)

    def _add(self, function: Check, *, essential: bool) -> Check:
        promise = " ".join((function.__doc__ or "").split())
        name = function.__name__.replace("_", " ")
        self.rules.append(Rule(name, promise, function, essential))
        return function

    def report(self, subject: Any, around: Callable[[], AbstractContextManager[None]]) -> Report:
        """Check every rule, each within the context that `around` gives."""
        outcomes: list[Outcome] = []
        stopped_by = ""
        for rule in self.rules:
            if stopped_by:
                outcomes.append(Outcome(rule, "not checked", f"{stopped_by} comes first"))
                continue
            with around():
                outcome = _outcome(rule, subject)
            outcomes.append(outcome)
            if rule.essential and outcome.state == "broken":
                stopped_by = rule.name
        return Report(f"{self.kind} {subject.name}", outcomes)


def _outcome(rule: Rule, subject: Any) -> Outcome:
    try:
        rule.check(subject)
    except DoesNotApply as reason:
        return Outcome(rule, "does not apply", str(reason))
    except Broken as broken:
        return Outcome(rule, "broken", broken.seen, broken.expected)
    except (Exception, SystemExit) as error:
        return Outcome(rule, "broken", f"it raised {explain(error)}", rule.promise)
    return Outcome(rule, "ok")


def _count(broken: Sequence[Outcome]) -> str:
    return "1 rule" if len(broken) == 1 else f"{len(broken)} rules"
