"""Slurm: `--executor slurm:slurm_partition=gpu,timeout_min=240` submits each stage as a job.

What follows the colon are submitit's parameters of a job: `timeout_min`, `cpus_per_task`,
`slurm_account`, ...; `cluster=local` runs the jobs on this machine, without Slurm. A stage asks for
the memory of its forecast, and for a GPU if it loads a model. A job that is preempted, or runs out
of time, is queued again and goes on from its checkpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from suite import hookimpl
from suite.api.executor import Executor, Needs
from suite.core import interrupt
from suite.core.errors import UserError, first_line

EVERY = 1.0
"""Seconds between two looks at the jobs."""
PATIENCE = 300.0
"""Seconds that jobs have at the end for the step at hand and its checkpoint."""
GIGABYTE = 1e9
DAY = 24 * 60
"""Minutes that a job may take where nobody says it; submitit gives it five."""


class Slurm(Executor):
    """Jobs of a Slurm cluster, through submitit."""

    name = "slurm"
    extra = "submitit"

    def __init__(self, argument: str = "") -> None:
        self.parameters: dict[str, str | int] = {}
        for part in filter(None, argument.split(",")):
            name, given, value = part.partition("=")
            if not given or not value:
                raise UserError(
                    f"--executor slurm:{argument}: {part!r} is not NAME=VALUE, such as "
                    "timeout_min=240 or slurm_partition=gpu"
                )
            self.parameters[name] = int(value) if value.isdecimal() else value
        cluster = self.parameters.pop("cluster", None)
        self.cluster = None if cluster is None else str(cluster)

    def start(self, most: Needs, folder: Path) -> None:
        """Check the parameters; jobs start with the stages. UserError: there is no Slurm here, or a
        parameter is unknown."""
        from submitit import AutoExecutor

        try:
            self._jobs = AutoExecutor(folder / "jobs", cluster=self.cluster)
            self._jobs.update_parameters(**self.parameters)
        except (AssertionError, NameError, RuntimeError, ValueError) as error:
            raise UserError(f"--executor slurm: {first_line(error)}") from error
        if self.cluster is None and self._jobs.cluster != "slurm":
            raise UserError(
                "--executor slurm: this machine has no Slurm (no sbatch); slurm:cluster=local runs "
                "the jobs here"
            )
        self._running: dict[Future[Any], Any] = {}
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def submit(self, call: Callable[[], Any], needs: Needs) -> Future[Any]:
        """Submit a job."""
        asked: dict[str, Any] = {"timeout_min": DAY, "gpus_per_node": int(needs.accelerator)}
        if needs.memory:
            asked["mem_gb"] = needs.memory / GIGABYTE
        self._jobs.update_parameters(**(asked | self.parameters))
        future: Future[Any] = Future()
        self._running[future] = self._jobs.submit(_Call(call))
        return future

    def stop(self) -> None:
        """Cancel the jobs: each leaves a checkpoint."""
        for job in self._running.values():
            with suppress(Exception):  # it has ended meanwhile
                job.cancel()
        self._over.set()
        self._watching.join(PATIENCE)

    def _watch(self) -> None:
        while self._running or not self._over.is_set():
            for future, job in list(self._running.items()):
                if job.done():
                    del self._running[future]
                    _settle(future, job)
            self._over.wait(EVERY)


class _Call:
    """What a job runs."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call

    def __call__(self) -> Any:
        if threading.current_thread() is threading.main_thread():
            interrupt.install()
        return self.call()

    def checkpoint(self) -> Any:
        """submitit asks this when a job is preempted: run the same again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _settle(future: Future[Any], job: Any) -> None:
    try:
        future.set_result(job.result())
    except Exception as error:  # submitit has several kinds, with the log of the job
        future.set_exception(error)


@hookimpl
def suite_executors() -> list[type[Executor]]:
    """Offer the executor."""
    return [Slurm]
