"""What a benchmark asks by mistake is refused before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from suite import BenchmarkData, Generate, Message, Question, UserError
from suite.plan.reading import Reading
from suite.settings import RunConfig


class Mine:
    """What is read of a benchmark."""

    name = "mine"
    baseline: str | None = "retrain"

    def __init__(self, ids: Any, starts: Sequence[str] = ()) -> None:
        self.ids, self.starts = ids, starts

    def load(self, source: Any) -> BenchmarkData:
        starts: Any = dict.fromkeys(self.starts, ())
        return BenchmarkData(roles={}, starts=starts, sets={}, revision="1")

    def requests(self, data: BenchmarkData) -> Any:
        if self.ids is None:
            return None
        return [Generate(id, (Message("user", "Who?"),)) for id in self.ids]

    sampling_requests = requests

    def questions(self, data: BenchmarkData) -> list[Question]:
        return [Question(id, (), "", "helpful") for id in self.ids]


def reading(benchmark: Mine) -> Any:
    registry = SimpleNamespace(name_plugin=lambda cls: "plugin 'acme' (acme 1.0): ")
    context: Any = SimpleNamespace(config=RunConfig(), registry=registry)
    return Reading(context, benchmark, "default")  # type: ignore[arg-type]


@pytest.mark.parametrize("hook", ["requests", "sampling_requests", "questions"])
def test_an_id_that_is_there_twice_is_refused(hook: str) -> None:
    assert len(getattr(reading(Mine(["a", "b"])), hook)) == 2
    said = rf"^plugin 'acme' \(acme 1.0\): benchmark 'mine': {hook} has the id 'b' 2 times$"
    with pytest.raises(UserError, match=said):
        getattr(reading(Mine(["a", "b", "b"])), hook)


def test_requests_that_are_no_list_are_refused() -> None:
    with pytest.raises(UserError, match="'mine': requests must return a list, not None"):
        _ = reading(Mine(None)).requests


def test_a_misspelt_baseline_is_refused_and_one_without_data_is_not() -> None:
    _ = reading(Mine([], ["retrain", "target"])).data
    _ = reading(Mine([], ["target"])).data
    said = "benchmark 'mine': baseline is 'retrain', and no start model; did you mean 'retain'?"
    with pytest.raises(UserError, match=said):
        _ = reading(Mine([], ["retain", "target"])).data
