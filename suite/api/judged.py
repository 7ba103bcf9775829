"""Benchmarks whose answers are compared by a judge.

    respond ─┐
    rival  ──┴─ judge ─┬─ score          rival: another model's answers, or those of the data
    canary ── judge ───┘                 canary: a constant answer, judged like a candidate

A benchmark says what is to be judged (`questions`) and what follows from the verdicts
(`score_judged`); asking is the host's, so verdicts survive a change of either.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from suite.api.benchmark import Asked, C, TextBenchmark
from suite.api.data import BenchmarkData
from suite.api.requests import Response
from suite.api.scores import Scores
from suite.api.verdicts import ANSWER, Question, Verdicts


class JudgedBenchmark(TextBenchmark[C]):
    """A benchmark of comparisons. It derives `load` and `requests` from `TextBenchmark`."""

    judged: ClassVar[bool] = True

    @property
    def against(self) -> str:
        """The rival: ANSWER, a start model, or a method as in `--methods`."""
        return ANSWER

    @abstractmethod
    def questions(self, data: BenchmarkData) -> Sequence[Question]:
        """List what is judged: generated answers, by the id of their request."""

    @abstractmethod
    def score_judged(
        self, data: BenchmarkData, responses: Mapping[str, Response], verdicts: Verdicts
    ) -> Scores:
        """Turn verdicts into per-item scores and metrics."""

    def score_cell(self, asked: Asked) -> Scores:
        """Score a cell by its verdicts."""
        assert asked.verdicts is not None, "the host asks the judge of a judged benchmark"
        return self.score_judged(asked.data, asked.responses, asked.verdicts)

    def score(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
    ) -> Scores:
        """Not how judged answers are scored. The host calls `score_judged`."""
        raise TypeError(f"{self.name} is scored by verdicts")
