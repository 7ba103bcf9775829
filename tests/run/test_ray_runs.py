"""Whole runs on a real Ray cluster: the values of one process, whatever is killed meanwhile, and
each stage made once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from ray.cluster_utils import Cluster

from tests.run.conftest import metrics, suite

pytestmark = [pytest.mark.slow, pytest.mark.weekly]
NODE = {"object_store_memory": 80_000_000}
COUNTED = '''
"""The bandits, which note each cell that they measure."""
import suite
from suite_benchmarks.bandit import Bandit

class Counted(Bandit):
    name = "counted"
    def measure(self, method, split, seed, progress):
        with open("{count}", "a") as file:
            file.write(f"{{method.name}}/{{seed}}\\n")
        return super().measure(method, split, seed, progress)

@suite.hookimpl
def suite_benchmarks():
    return [Counted]
'''


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two machines of one core each, beside the one that starts runs."""
    started = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0})
    for _ in range(2):
        started.add_node(**NODE, num_cpus=1)
    started.wait_for_nodes()
    yield started
    started.shutdown()


@pytest.fixture(scope="module")
def serial(quick: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("serial")
    done = suite(
        "run", "--methods", "ga,npo", *quick, "--out", str(folder / "out"), store=folder / "store"
    )
    assert done.returncode == 0, done.stderr
    return metrics(folder / "out")


def started(cluster: Any, quick: list[str], folder: Path) -> subprocess.Popen[str]:
    command = ["run", "--methods", "ga,npo", *quick, "--out", str(folder / "out")]
    command += ["--executor", f"ray:{cluster.address}"]
    return subprocess.Popen(
        [sys.executable, "-m", "suite.cli", *command],
        env={**os.environ, "SUITE_STORE": str(folder / "store")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers() -> list[psutil.Process]:
    """The processes of Ray's actors."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [""])[0].startswith("ray::_Worker"):
            found.append(process)
    return found


def wait_for(folder: Path, *patterns: str) -> None:
    """Wait until the store holds a path of each pattern."""
    while not all(any((folder / "store").glob(pattern)) for pattern in patterns):
        time.sleep(0.02)


AT_WORK = {"training": "scratch/train/*", "answering": "scratch/respond/*", "between": "stages/*"}


@pytest.mark.parametrize("moment", AT_WORK)
def test_killed_workers_change_no_value(
    cluster: Any, quick: list[str], serial: dict[str, Any], tmp_path: Path, moment: str
) -> None:
    run = started(cluster, quick, tmp_path)
    wait_for(tmp_path, AT_WORK[moment])
    for process in workers():
        process.kill()
    _, said = run.communicate(timeout=900)
    assert run.returncode == 0, said
    assert metrics(tmp_path / "out") == serial


def test_a_killed_machine_changes_no_value(
    cluster: Any, quick: list[str], serial: dict[str, Any], tmp_path: Path
) -> None:
    run = started(cluster, quick, tmp_path)
    wait_for(tmp_path, "scratch/train/*")
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    _, said = run.communicate(timeout=900)
    cluster.add_node(**NODE, num_cpus=1)
    assert run.returncode == 0, said
    assert metrics(tmp_path / "out") == serial


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_after_the_end_of_the_run_itself_the_next_start_goes_on(
    cluster: Any,
    quick: list[str],
    serial: dict[str, Any],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    run = started(cluster, quick, tmp_path)
    wait_for(tmp_path, "scratch/train/*", "stages/base/*")
    run.send_signal(number)
    run.communicate(timeout=900)
    assert run.returncode in (-signal.SIGKILL, 130)
    again = started(cluster, quick, tmp_path)
    _, said = again.communicate(timeout=900)
    assert again.returncode == 0, said
    assert metrics(tmp_path / "out") == serial


def test_two_hundred_cells_on_two_workers_are_made_once_each(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "counted.py").write_text(COUNTED.format(count=tmp_path / "count"))
    seeds = ",".join(map(str, range(100)))
    command = ["run", "--bench", "counted", "--methods", "dpo,ipo", "--seeds", seeds]
    command += ["--set", "counted.steps=2", "--set", "counted.runs=1"]
    command += ["--plugin-file", str(tmp_path / "counted.py"), "--out", str(tmp_path / "out")]
    begin = time.monotonic()
    done = suite(*command, "--executor", f"ray:{cluster.address}", store=tmp_path / "store")
    seconds = time.monotonic() - begin
    assert done.returncode == 0, done.stderr
    counted = (tmp_path / "count").read_text().splitlines()
    assert len(counted) == 200 and len(set(counted)) == 200
    cells = json.loads((tmp_path / "out" / "results.json").read_text())["cells"]
    print(f"{len(cells)} cells in {seconds:.0f} s")
