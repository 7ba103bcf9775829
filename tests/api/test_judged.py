"""What kinds of benchmarks declare of themselves, and how the host has each of them scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from suite.api.benchmark import Asked, Benchmark, Experiment, TextBenchmark
from suite.api.data import BenchmarkData, Source
from suite.api.judge import Cost
from suite.api.judged import JudgedBenchmark
from suite.api.measured import ModelBenchmark
from suite.api.requests import Request, Response
from suite.api.scores import Metric, Scores
from suite.api.verdicts import ANSWER, Question, Verdicts

DATA = BenchmarkData({}, {}, {}, "built in")
RESPONSES = {"held_out/0/answer": Response("held_out/0/answer")}


@dataclass(frozen=True)
class Settings:
    """None."""


class Plain(TextBenchmark[Settings]):
    """Its score tells what it was given."""

    name = "plain"
    Config = Settings

    def load(self, source: Source) -> BenchmarkData:
        return DATA

    def requests(self, data: BenchmarkData) -> list[Request]:
        return []

    def score(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
    ) -> Scores:
        return Scores([], [Metric("baseline answers", len(baseline or ()), None)])


class Judged(JudgedBenchmark[Settings]):
    """Its score tells how many verdicts it was given."""

    name = "judged"
    Config = Settings
    load = Plain.load
    requests = Plain.requests

    def questions(self, data: BenchmarkData) -> list[Question]:
        return []

    def score_judged(
        self, data: BenchmarkData, responses: Mapping[str, Response], verdicts: Verdicts
    ) -> Scores:
        return Scores([], [Metric("verdicts", len(verdicts.judged), None)])


@pytest.mark.parametrize(
    ("base", "trains", "judged"),
    [
        (TextBenchmark, "model", False),
        (JudgedBenchmark, "model", True),
        (Experiment, "loss", False),
        (ModelBenchmark, "nothing", False),
    ],
)
def test_a_base_class_says_what_is_trained_and_whether_a_judge_is_asked(
    base: type[Benchmark[Any]], trains: str, judged: bool
) -> None:
    assert (base.trains, base.judged) == (trains, judged)


def test_the_host_has_every_text_benchmark_scored_in_one_way() -> None:
    plain = Plain(Settings()).score_cell(Asked(DATA, RESPONSES, baselines=(RESPONSES,)))
    assert plain.metrics == [Metric("baseline answers", 1, None)]
    verdicts = Verdicts({}, {}, Cost())
    judged = Judged(Settings()).score_cell(Asked(DATA, RESPONSES, verdicts=verdicts))
    assert judged.metrics == [Metric("verdicts", 0, None)]


def test_only_a_judged_benchmark_has_a_rival() -> None:
    assert (Plain(Settings()).against, Plain(Settings()).questions(DATA)) == ("", ())
    assert Judged(Settings()).against == ANSWER
