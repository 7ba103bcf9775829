"""A training in shards goes on where it was, after an interruption and after a shard was killed."""

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

from suite.run.shards import ENDS, _failure, _together
from suite.store import Build, Stage
from tests.run.conftest import suite

SHARDS = 2


class Run:
    """A run that has been started."""

    def __init__(self, command: list[str], store: Path) -> None:
        environ = {**os.environ, "SUITE_STORE": str(store), "OMP_NUM_THREADS": "1"}
        self.process = psutil.Popen(
            [sys.executable, "-m", "suite.cli", *command],
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.store = store

    def shard(self, rank: int) -> Any:
        """The process of a shard, as soon as a step of its training has been logged."""
        while self.process.poll() is None:
            for child in self.process.children(recursive=True):
                is_shard = "suite.run.shard" in child.cmdline()
                if is_shard and child.environ()["RANK"] == str(rank) and self.steps() > self.begun:
                    return child
            time.sleep(0.05)
        raise AssertionError(self.process.communicate()[1])

    begun = 0

    def steps(self) -> int:
        """Steps that trainings at work have logged."""
        shards = self.store.glob("scratch/train/*/shard-1")
        logs = [shard.with_name("log.jsonl") for shard in shards]
        return sum(log.read_bytes().count(b"\n") for log in logs if log.exists())

    def end(self) -> tuple[int, str]:
        """Its exit status and what it said; nothing that it started may be left."""
        children = self.process.children(recursive=True)
        said = self.process.communicate(timeout=300)[1]
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        return self.process.returncode, said


@pytest.mark.slow
@pytest.mark.weekly
def test_an_interrupted_and_a_killed_training_go_on(quick: list[str], tmp_path: Path) -> None:
    store = tmp_path / "store"
    command = ["run", "--methods", "npo_rt", *quick, "--evaluate", "final"]
    command += ["--set", f"npo_rt.shards={SHARDS}", "--set", "npo_rt.batch_size=4"]
    command += ["--set", "npo_rt.epochs=8", "--out", str(tmp_path / "out")]
    first = Run(command, store)
    first.shard(0)
    first.process.send_signal(signal.SIGINT)
    status, said = first.end()
    assert (status, "Traceback" in said) == (130, False), said
    second = Run(command, store)
    second.begun = second.steps()
    second.shard(1).kill()
    status, said = second.end()
    assert status == 2, said
    assert "shard 1 of 2 was ended by SIGKILL: memory may have run out" in said
    assert "Traceback" not in said
    done = suite(*command, store=store)
    assert done.returncode == 0, done.stderr
    trained = [json.loads(path.read_text()) for path in store.glob("stages/train/*/manifest.json")]
    (manifest,) = [each for each in trained if each["label"] == "npo_rt"]
    assert (manifest["timings"]["resumed"], manifest["timings"]["shards"]) == (True, SHARDS)
    log = store / "stages/train" / manifest["key"] / "log.jsonl"
    numbers = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.fixture
def build(tmp_path: Path) -> Build:
    stage = Stage("train", {}, label="train npo", resources={"step": {"shards": SHARDS}})
    return Build(tmp_path, tmp_path, {}, stage)


def test_the_shard_that_was_killed_is_named_and_not_those_that_lost_it(
    build: Build, tmp_path: Path
) -> None:
    (tmp_path / "failed-0.json").write_text('{"status": "failed", "text": "connection closed"}')
    (tmp_path / ENDS).write_text('{"0": 1, "1": -9}')
    assert str(_failure(build, tmp_path)).startswith("train npo: shard 1 of 2 was ended by SIGKILL")
    (tmp_path / ENDS).write_text('{"0": 1, "1": -15}')
    assert str(_failure(build, tmp_path)) == "connection closed"


def test_the_last_line_is_told_where_no_shard_could_start(build: Build, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("...\nno such module\n")
    said = str(_failure(build, tmp_path))
    assert said == "train npo: its shards did not start: no such module"


def test_seconds_are_those_of_all_shards_and_memory_that_of_the_largest() -> None:
    one = {"cpu_seconds": 2.0, "gpu_seconds": 0.0, "peak_bytes": 7}
    assert _together([one, {**one, "peak_bytes": 9}]) == {
        "cpu_seconds": 4.0, "gpu_seconds": 0.0, "peak_bytes": 9, "shards": 2,
    }  # fmt: skip
