"""kill -9, SIGTERM and SIGINT at thirty random moments: the same command then ends in the numbers,
and in the very files, of a run that nothing interrupted.

    SUITE_KILL_SEED=17 pytest -m slow tests/run/test_kill_matrix.py      the moments of a failure
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from tests.benchmarks.preferences.test_preferences_run import write_pairs
from tests.run.conftest import metrics

SEED = os.environ.get("SUITE_KILL_SEED") or str(secrets.randbelow(10**6))
PHASES = {
    "training": {"train.step"},
    "checkpoint": {"checkpoint.write"},
    "answering": {"respond.chunk", "jsonl.append"},
    "scoring": {"build.begin", "publish.before_manifest", "publish.before_rename"}
    | {"publish.after_rename", "publish.before_cleanup"},
    "report": {"write.before_rename"},
}
"""Fault points by what a run is doing there."""
MOMENTS = 2
"""Of each job and phase: 3 x 5 x 2 are thirty."""
LONGEST = 0.03
"""Seconds from the point to the signal, at most."""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SETTINGS = ("finetune.epochs=1", "finetune.lr=1e-3", "finetune.batch_size=8", "train.epochs=2")
SETTINGS += ("train.lr=1e-3", "train.batch_size=4", "train.warmup_steps=1", "checkpoint_seconds=0")
JOBS = {
    "tofu": ("--bench", "tofu", "--methods", "npo_rt", "--limit", "2"),
    "preferences": ("--bench", "preferences", "--methods", "dpo"),
    "online": ("--bench", "preferences", "--methods", "rloo"),
}
OWN = {
    "tofu": ("tofu.retain_authors=2",),
    "preferences": ("preferences.held_out=4",),
    "online": ("preferences.held_out=4", "rloo.max_new_tokens=4", "reward_model.epochs=1"),
}


@dataclass(frozen=True)
class Uninterrupted:
    """A job, and what it leaves when nothing happens."""

    command: list[str]
    points: list[str]
    values: dict[str, Any]
    files: set[str]
    size: int

    def moments(self, phase: str) -> list[int]:
        """Numbers of the fault points of a phase; stages are written as the report is, but
        before."""
        stages = len(self.points) - self.points[::-1].index("publish.before_cleanup")
        found = [i for i, name in enumerate(self.points, 1) if name in PHASES[phase]]
        return [i for i in found if phase != "report" or i > stages]


def start(folder: Path, command: list[str], number: int = 0, *how: object) -> int:
    """Run the command in `folder`; return the exit status. Nothing that it started may be left."""
    sent, seconds = how or (signal.SIGKILL, 0.0)
    program = Path(__file__).with_name("killed_process.py")
    told = [str(folder / "points"), str(number), str(int(sent)), str(seconds)]  # type: ignore[call-overload]
    paths = ["--store", str(folder / "store"), "--out", str(folder / "out")]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, str(program), *told, *command, *paths],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _, said = process.communicate(timeout=300)
    print(said[-2000:])
    assert [p.pid for p in psutil.process_iter() if session(p.pid) == process.pid] == []
    return process.returncode


def session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def files(folder: Path) -> set[str]:
    """Every file that a run left, without what names hold of when and where it ran."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "points":
            name = str(path.relative_to(folder))
            # The store's record of a run is named by a digest of the folder that it wrote into.
            found.add(re.sub(r"(store/runs/out\.)[0-9a-f]{8}", r"\1", name))
    return found


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "store").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def uninterrupted(
    tiny_folder: Path, world_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Uninterrupted]:
    """Runs each job once."""
    found: dict[str, Uninterrupted] = {}
    pairs = write_pairs(tmp_path_factory.mktemp("pairs") / "pairs.jsonl")

    def of(job: str) -> Uninterrupted:
        if job in found:
            return found[job]
        folder = tmp_path_factory.mktemp(job)
        data = world_folder if job == "tofu" else pairs
        command = ["run", *JOBS[job], "--model", str(tiny_folder), "--data", str(data)]
        command += ["--dtype", "float32", "--device", "cpu"]
        for setting in (*SETTINGS, *OWN[job]):
            command += ["--set", setting]
        assert start(folder, command) == 0
        points = (folder / "points").read_text().splitlines()
        found[job] = Uninterrupted(
            command, points, metrics(folder / "out"), files(folder), size(folder)
        )
        return found[job]

    return of


@pytest.mark.slow
@pytest.mark.parametrize("number", range(MOMENTS))
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    "job",
    [pytest.param(job, marks=() if job == "preferences" else pytest.mark.weekly) for job in JOBS],
)
def test_whenever_it_is_killed_the_same_command_ends_in_the_same_numbers(
    uninterrupted: Callable[[str], Uninterrupted], tmp_path: Path, job: str, phase: str, number: int
) -> None:
    whole = uninterrupted(job)
    random = Random(f"{SEED}/{job}/{phase}/{number}")
    moments = whole.moments(phase)
    place = [*JOBS].index(job) + [*PHASES].index(phase) + number
    sent = SIGNALS[place % len(SIGNALS)]
    moment, seconds = random.choice(moments), random.uniform(0, LONGEST)
    print(f"SUITE_KILL_SEED={SEED}: {sent.name} {seconds:.3f} s after point {moment}, ", end="")
    print(f"{whole.points[moment - 1]}, of {len(whole.points)}")
    ended = start(tmp_path, whole.command, moment, sent, seconds)
    # After its last step a run may end before it looks for a signal again.
    assert ended in (0, -sent if sent is signal.SIGKILL else 128 + sent)
    assert start(tmp_path, whole.command) == 0
    assert metrics(tmp_path / "out") == whole.values
    assert files(tmp_path) == whole.files
    assert size(tmp_path) == pytest.approx(whole.size, rel=0.01)
