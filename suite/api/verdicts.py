"""What is put to a judge, and what it said: questions, and the verdicts on their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suite.api.data import Message
from suite.api.judge import Cost, Verdict

ANSWER = "answer"
"""The rival that is no model: the answer that the data bring."""


@dataclass(frozen=True)
class Question:
    """One answer to be compared: that to the request of the same id."""

    id: str
    prompt: tuple[Message, ...]
    reference: str
    """The data's own answer; "" where there is none."""
    criterion: str
    """A name of `suite.judges.prompts.CRITERIA`."""


@dataclass(frozen=True)
class Judged:
    """One question with both answers, and the verdicts in both orders."""

    candidate: str
    rival: str
    shown_first: Verdict
    """The candidate was the first of the two."""
    shown_second: Verdict

    @property
    def verdicts(self) -> tuple[Verdict, Verdict]:
        """Both."""
        return self.shown_first, self.shown_second

    @property
    def score(self) -> float | None:
        """What the candidate won, both orders averaged: 0, 1/4, 1/2, 3/4 or 1; None if a verdict
        lacks."""
        points = [
            None
            if verdict.choice is None
            else 0.5
            if verdict.choice == "tie"
            else float(verdict.choice == own)
            for verdict, own in ((self.shown_first, "first"), (self.shown_second, "second"))
        ]
        return None if None in points else sum(p for p in points if p is not None) / 2


@dataclass(frozen=True)
class Verdicts:
    """What the judge said of one model, and what that took."""

    judged: Mapping[str, Judged]
    """By question."""
    canary: Mapping[str, Judged]
    """The same of a constant answer, on some of the questions."""
    cost: Cost
    """Of `judged`; the canary is shared by all models."""
