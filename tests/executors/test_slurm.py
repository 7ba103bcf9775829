"""submitit's own local and debug executors: jobs run as on Slurm, without it."""

from __future__ import annotations

import operator
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import psutil
import pytest

from suite.api.executor import Needs
from suite.core.errors import UserError
from suite.executors.slurm import DAY, Slurm

NEEDS = Needs(memory=10**9)


@pytest.fixture(params=["local", "debug"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Slurm]:
    executor = Slurm(f"cluster={request.param},timeout_min=5")
    executor.start(NEEDS, tmp_path)
    yield executor
    executor.stop()


def test_a_call_runs_as_a_job(jobs: Slurm) -> None:
    assert jobs.submit(partial(operator.add, 1, 2), NEEDS).result(timeout=120) == 3


def test_a_job_that_fails_is_an_error_of_its_call(tmp_path: Path) -> None:
    executor = Slurm("cluster=local")
    executor.start(NEEDS, tmp_path)
    failed = executor.submit(partial(os._exit, 9), NEEDS)
    assert "has not produced any output" in str(failed.exception(timeout=120))
    executor.stop()


def go_on(mark: str) -> str:
    """Ends at its second start only."""
    if Path(mark).exists():
        return "went on"
    Path(mark).touch()
    time.sleep(600)
    return "was not preempted"


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[tuple[Slurm, Future[str]]]:
    """A job that has started, and waits."""
    executor = Slurm("cluster=local")
    executor.start(NEEDS, tmp_path)
    mark = tmp_path / "mark"
    call = executor.submit(partial(go_on, str(mark)), NEEDS)
    while not mark.exists():
        time.sleep(0.05)
    yield executor, call
    executor.stop()


def test_a_preempted_job_is_queued_again(at_work: tuple[Slurm, Future[str]]) -> None:
    executor, call = at_work
    (job,) = executor._running.values()
    for process in psutil.Process(int(job.job_id)).children():
        process.send_signal(signal.SIGUSR2)  # as Slurm does before it takes the machine away
    assert call.result(timeout=120) == "went on"


def test_stopping_cancels_the_jobs(at_work: tuple[Slurm, Future[str]]) -> None:
    executor, call = at_work
    executor.stop()
    assert call.exception(timeout=0) is not None


def test_a_job_may_take_a_day_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    for argument, minutes in (("cluster=debug", DAY), ("cluster=debug,timeout_min=7", 7)):
        executor = Slurm(argument)
        executor.start(NEEDS, tmp_path)
        executor.submit(partial(operator.add, 1, 2), NEEDS).result(timeout=60)
        assert executor._jobs.parameters["timeout_min"] == minutes
        executor.stop()


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("gpu", "'gpu' is not NAME=VALUE"),
        ("timeout_min=", "'timeout_min=' is not NAME=VALUE"),
    ],
)
def test_what_is_no_parameter_is_refused_while_planning(argument: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Slurm(argument)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("", "this machine has no Slurm"),
        ("cluster=cloud", "cloud"),
        ("cluster=local,slurm_partitions=gpu", "partitions"),
        ("cluster=local,timeout_min=long", "timeout_min"),
    ],
)
def test_what_submitit_does_not_know_is_refused(argument: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"--executor slurm: .*{said}"):
        Slurm(argument).start(NEEDS, tmp_path)
