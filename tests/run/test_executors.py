"""Whole runs on several processes: the same results as in one, each stage made once, failures and
interruptions that harm nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.run.conftest import suite

BANDIT = (
    "--bench",
    "bandit",
    "--methods",
    "dpo,ipo",
    "--set",
    "bandit.steps=2",
    "--set",
    "bandit.runs=1",
)
FAILING = '''
"""Methods that fail on the bandits."""
import os
import suite
from suite import losses
from suite_plugins.dpo import DPO

class Raises(DPO):
    name = "raises"
    def pair_loss(self, pairs):
        raise RuntimeError("by design")

class Dies(DPO):
    """Takes its process down, the first time."""
    name = "dies"
    def pair_loss(self, pairs):
        mark = os.environ["MARK"]
        if not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), 9)
        return super().pair_loss(pairs)

@suite.hookimpl
def suite_methods():
    return [Raises, Dies]
'''


def results(out: Path) -> dict[str, Any]:
    """What the cells say, without their seconds."""
    cells = json.loads((out / "results.json").read_text())["cells"]
    return {cell["cell"]["method"]: {**cell, "timings": None} for cell in cells}


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("serial")
    done = suite("run", *BANDIT, "--out", str(folder / "out"), store=folder / "store")
    assert done.returncode == 0, done.stderr
    return results(folder / "out")


def test_failures_and_lost_workers_leave_the_other_cells_as_they_are(
    serial: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run: two methods as in one process, one that raises, one whose worker is killed."""
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    (tmp_path / "failing.py").write_text(FAILING)
    command = [*BANDIT, "--plugin-file", str(tmp_path / "failing.py"), "--executor", "local:2"]
    command[command.index("dpo,ipo")] = "dpo,raises,dies,ipo"
    done = suite("run", *command, "--out", str(tmp_path / "out"), store=tmp_path / "store")
    found = results(tmp_path / "out")
    assert done.returncode == 1
    assert {name: found[name] for name in serial} == serial
    assert found["raises"]["status"] == "failed"
    assert "RuntimeError: by design" in found["raises"]["error"]
    (trace,) = (tmp_path / "out" / "errors").glob("raises*.txt")
    assert "pair_loss" in trace.read_text()
    assert found["dies"]["status"] == "ok"
    assert (tmp_path / "mark").exists()
    # Who computes is no setting of the results.
    content = (tmp_path / "out" / "results.json").read_text()
    assert json.loads(content)["run"]["config"]["executor"] == "serial"


def test_ctrl_c_ends_every_worker_and_the_next_start_goes_on(
    serial: dict[str, Any], tmp_path: Path
) -> None:
    command = ("run", *BANDIT, "--executor", "local:2", "--out", str(tmp_path / "out"))
    environ = {**os.environ, "SUITE_STORE": str(tmp_path / "store")}
    process = subprocess.Popen(
        [sys.executable, "-m", "suite.cli", *command],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    children: list[psutil.Process] = []
    while len(children) < 2 and process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert not list((tmp_path / "store" / "tmp").glob("*"))
    done = suite(*command, store=tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert results(tmp_path / "out") == serial


@pytest.mark.parametrize(
    ("executor", "said"),
    [
        ("lokal:2", "unknown executor 'lokal'; did you mean 'local'?"),
        ("local:0", "--executor local:0: the number of processes must be 1 or more"),
        ("serial:2", "--executor serial:2: serial takes nothing after a colon"),
    ],
)
def test_an_executor_that_is_none_is_refused_while_planning(
    executor: str, said: str, tmp_path: Path
) -> None:
    done = suite("run", *BANDIT, "--executor", executor, store=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
