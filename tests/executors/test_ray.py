"""A real Ray cluster of two node processes: calls run in its workers, a lost worker or node costs
the calls at work only, and the end leaves a checkpoint's time."""

from __future__ import annotations

import operator
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from suite.api.executor import Needs
from suite.core import interrupt
from suite.core.errors import UserError
from suite.executors.ray import Ray

pytestmark = pytest.mark.slow
NEEDS = Needs()
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
MINUTES = 300


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    started = Cluster(initialize_head=True, head_node_args=NODE)
    started.add_node(**NODE)
    started.wait_for_nodes()
    yield started
    ray.shutdown()
    started.shutdown()


@pytest.fixture
def workers(cluster: Any) -> Iterator[Ray]:
    executor = Ray(cluster.address)
    executor.start(NEEDS, Path())
    yield executor
    executor.stop()


def until_told_to_end(started: str) -> str:
    Path(started).touch()
    while not interrupt.pending():
        time.sleep(0.05)
    return "a checkpoint"


def test_calls_share_the_workers_of_both_nodes(workers: Ray) -> None:
    calls = [workers.submit(partial(time.sleep, 0.5), NEEDS) for _ in range(4)]
    pids = [workers.submit(os.getpid, NEEDS) for _ in range(4)]
    for call in calls:
        call.result(timeout=MINUTES)
    found = {pid.result(timeout=MINUTES) for pid in pids}
    assert os.getpid() not in found
    assert len(found) <= 2
    with pytest.raises(ZeroDivisionError):
        workers.submit(partial(operator.floordiv, 1, 0), NEEDS).result(timeout=MINUTES)


def test_a_killed_worker_costs_its_call_and_a_killed_node_its_worker(
    cluster: Any, workers: Ray
) -> None:
    lost = workers.submit(partial(os.kill, 0, signal.SIGKILL), NEEDS)
    pid = workers.submit(os.getpid, NEEDS).result(timeout=MINUTES)
    assert pid != os.getpid()
    with pytest.raises(ray.exceptions.RayError):
        lost.result(timeout=MINUTES)
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    for number in range(4):  # calls that the dead node had are submitted again, as a run does
        for _ in range(3):
            try:
                call = workers.submit(partial(operator.add, number, 1), NEEDS)
                assert call.result(timeout=MINUTES) == number + 1
                break
            except ray.exceptions.RayError:
                continue
        else:
            pytest.fail("no worker is left")
    cluster.add_node(**NODE)


def test_at_the_end_a_call_has_time_for_its_checkpoint(cluster: Any, tmp_path: Path) -> None:
    executor = Ray(cluster.address)
    executor.start(NEEDS, tmp_path)
    mark = tmp_path / "started"
    call = executor.submit(partial(until_told_to_end, str(mark)), NEEDS)
    while not mark.exists():
        time.sleep(0.05)
    executor.stop()
    assert call.result(timeout=0) == "a checkpoint"
    assert not ray.is_initialized()


def test_a_stage_that_no_machine_can_hold_is_refused(cluster: Any) -> None:
    with pytest.raises(UserError, match=r"needs about 9\.0 TB of memory, and no machine"):
        Ray(cluster.address).start(Needs(memory=9 * 10**12), Path())
    assert not ray.is_initialized()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "127.0.0.1:port"])
def test_a_cluster_that_is_not_there_is_refused(address: str) -> None:
    with pytest.raises(UserError, match=f"ray:{address}: no Ray cluster answers"):
        Ray(address).start(NEEDS, Path())
