"""A training that several processes compute together: `train.shards = 4`.

    this process ── python -m suite.run.agent (torchrun's agent) ─┬─ python -m suite.run.shard
      │ holds the stage's lock, shows progress                    ├─ python -m suite.run.shard
      │ SIGTERM to the agent: all leave after a checkpoint        └─ ...
      └─ dies, by whatever signal: the kernel ends the others

Each shard plans the run again, as an executor's worker does, and finds the stage by its key.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from suite.core import interrupt
from suite.core.errors import UserError
from suite.run.failure import Failed, Failure
from suite.run.relay import Relay
from suite.settings import RunConfig
from suite.stages.context import Context
from suite.store import Build, read_json

LOOK = 0.1
"""Seconds between two looks at the agent."""
JOB = "job.pickle"
ENDS = "ends.json"
"""Rank -> exit status of the shards that failed, written by the agent."""


@dataclass(frozen=True)
class ShardJob:
    """What a shard is told."""

    config: RunConfig
    key: str
    out: Path
    scratch: Path
    inputs: dict[str, Path]
    before: Path | None
    cwd: str = field(default_factory=os.getcwd)


def compute_in_shards(build: Build, context: Context) -> None:
    """Compute a training by several processes. UserError: one of them was ended."""
    job = ShardJob(
        context.config, build.stage.key, build.out, build.scratch, build.inputs, build.before
    )
    with TemporaryDirectory(prefix="suite-shards-") as place:
        folder = Path(place)
        (folder / JOB).write_bytes(pickle.dumps(job))
        with Relay(folder, context.progress, build.on_step), (folder / "log").open("wb") as log:
            status = _watch(_started(folder, build.shards, log))
        interrupt.check()
        if status:
            raise _failure(build, folder)
        build.spent |= _together([read_json(file) for file in folder.glob("done-*.json")])


def _started(folder: Path, count: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    cores = max(1, (os.cpu_count() or 1) // count)
    module, parent = "suite.run.agent", str(os.getpid())
    return subprocess.Popen(
        [sys.executable, "-m", module, str(folder), str(count), parent],
        env={"OMP_NUM_THREADS": str(cores), **os.environ},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # Ctrl-C reaches this process only, which lets the shards leave a checkpoint.
        start_new_session=True,
    )


def _watch(agent: subprocess.Popen[bytes]) -> int:
    """Wait for the agent's end; pass an interruption on. Its exit status."""
    told = False
    try:
        while agent.poll() is None:
            if interrupt.pending() and not told:
                agent.send_signal(signal.SIGTERM)
                told = True
            time.sleep(LOOK)
    finally:
        agent.kill()
    return agent.wait()


def _failure(build: Build, folder: Path) -> Exception:
    """Why the shards ended: one that was killed, else the first that raised; the others only lost
    their company."""
    ends: dict[str, int] = read_json(folder / ENDS) if (folder / ENDS).exists() else {}
    for rank, status in sorted(ends.items()):
        if status < 0 and -status != signal.SIGTERM:
            name = signal.Signals(-status).name
            memory = ": memory may have run out" if name == "SIGKILL" else ""
            return UserError(
                f"{build.stage}: shard {rank} of {build.shards} was ended by {name}{memory}; the "
                "same command goes on from the last checkpoint"
            )
    failed = sorted(folder.glob("failed-*.json"), key=lambda path: path.stat().st_mtime_ns)
    if failed:
        return Failed(Failure(**read_json(failed[0])))
    lines = (folder / "log").read_text(errors="replace").strip().splitlines()
    return UserError(f"{build.stage}: its shards did not start: {lines[-1] if lines else ''}")


def _together(costs: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds of all shards; the memory of the largest."""
    spent = {name: sum(cost[name] for cost in costs) for name in ("cpu_seconds", "gpu_seconds")}
    return {**spent, "peak_bytes": max(cost["peak_bytes"] for cost in costs), "shards": len(costs)}
