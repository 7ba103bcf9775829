"""A real pool of processes: calls run elsewhere, a lost process costs its call only, and none is
left at the end."""

from __future__ import annotations

import operator
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import psutil
import pytest

from suite.api.executor import Needs
from suite.core.errors import UserError
from suite.executors.local import Local

NEEDS = Needs()


@pytest.fixture
def pool() -> Iterator[Local]:
    executor = Local("2")
    executor.start(NEEDS, Path())
    yield executor
    executor.stop()


def test_a_call_runs_in_another_process_with_its_share_of_the_cores(pool: Local) -> None:
    pid = pool.submit(os.getpid, NEEDS).result(timeout=60)
    assert pid != os.getpid()
    threads = pool.submit(partial(os.getenv, "OMP_NUM_THREADS"), NEEDS).result(timeout=60)
    assert threads == str(max(1, (os.cpu_count() or 1) // 2))
    assert pool.submit(partial(operator.add, 1, 2), NEEDS).result(timeout=60) == 3


def test_a_lost_process_is_an_error_of_its_call_and_the_next_call_runs(pool: Local) -> None:
    lost = pool.submit(partial(os._exit, 9), NEEDS)
    with pytest.raises(BrokenProcessPool):
        lost.result(timeout=60)
    assert pool.submit(partial(operator.add, 1, 2), NEEDS).result(timeout=60) == 3


def test_stopping_leaves_no_process() -> None:
    executor = Local("1")
    executor.start(NEEDS, Path())
    pid = executor.submit(os.getpid, NEEDS).result(timeout=60)
    executor.stop()
    assert not psutil.pid_exists(pid)


def test_a_worker_notes_a_signal_and_ends_no_call(pool: Local) -> None:
    """SIGTERM asks it to end at the next checkpoint; see suite.core.interrupt."""
    pid = pool.submit(os.getpid, NEEDS).result(timeout=60)
    sleeping = pool.submit(partial(time.sleep, 0.5), NEEDS)
    os.kill(pid, signal.SIGTERM)
    assert sleeping.result(timeout=60) is None


@pytest.mark.parametrize("argument", ["0", "two", "-1", "1.5"])
def test_a_number_that_is_none_is_refused(argument: str) -> None:
    with pytest.raises(UserError, match=f"local:{argument}: the number of processes"):
        Local(argument)
