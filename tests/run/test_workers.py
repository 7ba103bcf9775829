"""The order in which stages are handed out, and what becomes of those that fail or whose worker is
lost: on real stages, with an executor that computes at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suite.api.executor import Executor, Needs
from suite.core.errors import CorruptError
from suite.plan.forecast import Forecasts
from suite.registry import Registry
from suite.run import pipeline
from suite.run.failure import Failed, Failure
from suite.run.worker import Job, Made
from suite.run.workers import TRIES, Workers, needs_of
from suite.settings import RunConfig
from suite.store import Build, Stage

BASE = Stage("base", {"model": "m"})
A = Stage("train", {"method": "a"}, {"start": BASE}, label="train a")
B = Stage("train", {"method": "b"}, {"start": BASE}, label="train b")
SCORE_A = Stage("score", {"method": "a"}, {"model": A})
SCORE_B = Stage("score", {"method": "b"}, {"model": B})
MISSING = [BASE, A, SCORE_A, B, SCORE_B]
NEEDS = {stage.key: Needs(memory=len(stage.label)) for stage in MISSING}


@dataclass
class AtOnce(Executor):
    """Notes the order; `says` gives what becomes of a stage."""

    says: Callable[[str], Made]
    order: list[str] = field(default_factory=list)
    needs: dict[str, Needs] = field(default_factory=dict)
    name = "at_once"

    def start(self, most: Needs, folder: Path) -> None:
        return

    def stop(self) -> None:
        return

    def submit(self, call: Any, needs: Needs) -> Future[Made]:
        key = call.args[1]
        self.order.append(key)
        self.needs[key] = needs
        future: Future[Made] = Future()
        try:
            future.set_result(self.says(key))
        except OSError as error:
            future.set_exception(error)
        return future


def handed_out(says: Callable[[str], Made]) -> tuple[Workers, AtOnce]:
    executor = AtOnce(says)
    context: Any = SimpleNamespace(build=lambda build: None)
    return Workers(context, executor, Job(RunConfig(), Path()), MISSING, NEEDS), executor


def cell(score: Stage) -> Any:
    return SimpleNamespace(evaluated=[SimpleNamespace(score=score)])


def test_a_stage_is_handed_out_once_and_after_what_it_reads() -> None:
    workers, executor = handed_out(lambda key: Made(key, built=key != BASE.key))
    workers.wait(cell(SCORE_A))
    workers.wait(cell(SCORE_B))
    order = executor.order
    assert sorted(order) == sorted(stage.key for stage in MISSING)
    for stage in MISSING:
        for read in stage.inputs.values():
            assert order.index(read.key) < order.index(stage.key)
    assert workers.built == {stage.key for stage in MISSING} - {BASE.key}
    assert executor.needs == NEEDS


def test_a_failed_stage_fails_the_cells_that_need_it_and_no_other() -> None:
    why = Failure("failed", "it raised", trace="Traceback ...")
    workers, executor = handed_out(lambda key: Made(key, failure=why if key == A.key else None))
    workers.wait(cell(SCORE_A))
    workers.wait(cell(SCORE_B))
    assert SCORE_A.key not in executor.order
    assert executor.order.count(A.key) == 1
    with pytest.raises(Failed) as raised:
        workers.build(Build(Path(), Path(), {}, A))
    assert raised.value.failure == why
    workers.build(Build(Path(), Path(), {}, B))  # nobody failed: this process may compute it


def test_a_lost_worker_costs_another_try_and_not_the_stage() -> None:
    lost = [A.key] * (TRIES - 1)

    def says(key: str) -> Made:
        if key in lost:
            lost.remove(key)
            raise OSError("killed")
        return Made(key, built=True)

    workers, executor = handed_out(says)
    workers.wait(cell(SCORE_A))
    assert executor.order.count(A.key) == TRIES
    assert SCORE_A.key in workers.built


def test_a_stage_that_kills_every_worker_fails() -> None:
    def says(key: str) -> Made:
        if key == A.key:
            raise OSError("killed")
        return Made(key)

    workers, executor = handed_out(says)
    workers.wait(cell(SCORE_A))
    assert executor.order.count(A.key) == TRIES
    with pytest.raises(Failed, match=f"train a: its worker was lost {TRIES} times.*killed"):
        workers.build(Build(Path(), Path(), {}, A))


def test_a_damaged_store_ends_the_run() -> None:
    damaged = Failure("failed", "epoch-01: another hash", 3, corrupt=True)
    workers, _ = handed_out(lambda key: Made(key, failure=damaged))
    with pytest.raises(CorruptError, match="another hash"):
        workers.wait(cell(SCORE_A))


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_a_stage_asks_for_a_gpu_if_it_holds_a_model_and_for_the_memory_of_its_forecast(
    device: str, tmp_path: Path
) -> None:
    config = RunConfig(("ga",), ("tofu",), store=str(tmp_path), device=device)
    planned, context = pipeline.plan_within(config, Registry.load())
    missing = planned.missing(context.store)
    needs = needs_of(context, missing)
    train = next(stage for stage in missing if stage.kind == "train")
    score = next(stage for stage in missing if stage.kind == "score")
    assert needs[train.key] == Needs(device == "auto", Forecasts(context).of(train).memory_bytes)
    assert needs[train.key].memory > 10**6
    assert needs[score.key] == Needs()
