"""Stages computed by an executor's workers, ahead of the cells that need them.

    with workers_of(context, planned) as work:
        for cell in planned.cells:
            work.wait(cell)             its stages are there now, or have failed
            runner.cell(cell)

A stage is handed out as soon as all that it reads is stored. Keys travel, data do not.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

from suite.api.executor import Executor, Needs
from suite.core import interrupt
from suite.core.errors import CorruptError, first_line
from suite.plan.cell import PlannedCell
from suite.plan.forecast import Forecasts
from suite.plan.graph import Plan
from suite.run.failure import Failed, Failure
from suite.run.relay import Relay
from suite.run.worker import Job, Made, compute
from suite.stages.context import Context
from suite.store import Build, Stage, locks

TRIES = 3
"""How often a stage is handed out whose worker was lost, by a full memory for instance."""
ON_CPU = frozenset({"score", "judge", "roles", "compare"})
"""Kinds of stages that load no model."""


class Work:
    """No workers: each cell computes what it lacks, in this process."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.built: set[str] = set()
        """Keys of the stages that were made for this run."""

    def wait(self, planned: PlannedCell) -> None:
        """Wait until the stages of a cell are made ahead: here none is."""

    def build(self, build: Build) -> None:
        """Compute a stage in this process."""
        self.context.build(build)


class Workers(Work):
    """Hands the missing stages of a plan to an executor."""

    def __init__(
        self,
        context: Context,
        executor: Executor,
        job: Job,
        missing: list[Stage],
        needs: Mapping[str, Needs],
    ) -> None:
        super().__init__(context)
        self._failures: dict[str, Failure] = {}
        self._executor, self._job, self._needs = executor, job, needs
        self._missing = {stage.key: stage for stage in missing}
        self._graph: TopologicalSorter[str] = TopologicalSorter()
        for stage in missing:
            reads = set(stage.input_keys.values())
            self._graph.add(stage.key, *(reads & self._missing.keys()))
        self._graph.prepare()
        self._waiting: dict[Future[Made], str] = {}
        self._tries = dict.fromkeys(self._missing, 0)
        self._settled: set[str] = set()

    def wait(self, planned: PlannedCell) -> None:
        """Wait until the stages of a cell are made or cannot be made. Raises Interrupted."""
        needed = [stage.key for stage in Plan((planned,)).stages() if stage.key in self._missing]
        while not self._settled.issuperset(needed):
            self._hand_out()
            done, _ = wait(self._waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                self._take(self._waiting.pop(future), future)
            interrupt.check()

    def build(self, build: Build) -> None:
        """Compute what is no worker's, such as weights that were dropped; nothing fails twice."""
        if build.stage.key in self._failures:
            raise Failed(self._failures[build.stage.key])
        super().build(build)

    def _hand_out(self) -> None:
        for key in self._graph.get_ready():
            self._submit(key)

    def _submit(self, key: str) -> None:
        call = partial(compute, self._job, key)
        self._waiting[self._executor.submit(call, self._needs[key])] = key

    def _take(self, key: str, future: Future[Made]) -> None:
        error = future.exception()
        if error is not None:
            self._lost(key, error)
            return
        made = future.result()
        if made.interrupted:  # somebody ended this worker, and not the run
            self._lost(key, InterruptedError("it was told to end"))
        elif made.failure is not None:
            self._fail(key, made.failure)
        else:
            self.built |= {key} if made.built else set()
            self._settled.add(key)
            self._graph.done(key)

    def _lost(self, key: str, error: BaseException) -> None:
        """Hand a stage out again whose worker is gone."""
        self._tries[key] += 1
        if self._tries[key] < TRIES:
            self._submit(key)
            return
        said = f"{self._missing[key]}: its worker was lost {TRIES} times; the last time: "
        said += first_line(error)
        self._fail(key, Failure("failed", said))

    def _fail(self, key: str, failure: Failure) -> None:
        if failure.corrupt:
            raise CorruptError(failure.text)
        self._failures[key] = failure
        self._settled.add(key)
        lost = {key}
        for stage in self._missing.values():  # inputs before what reads them
            if lost.intersection(stage.input_keys.values()):
                lost.add(stage.key)
                self._settled.add(stage.key)


@contextmanager
def workers_of(context: Context, planned: Plan) -> Iterator[Work]:
    """Start the executor that the run asks for; its workers are ended with the block."""
    name, _, argument = context.config.executor.partition(":")
    missing = planned.missing(context.store)
    if name == "serial" or not missing:
        yield Work(context)
        return
    executor = context.registry.executor(name)(argument)
    config = replace(context.config, store=str(context.store.root))
    needs = needs_of(context, missing)
    with _shared_folder(context.store.root) as folder, Relay(folder, context.progress):
        executor.start(_most(needs.values()), folder)
        try:
            yield Workers(context, executor, Job(config, folder), missing, needs)
        finally:
            executor.stop()


def needs_of(context: Context, missing: list[Stage]) -> dict[str, Needs]:
    """What each stage asks of its worker, by key."""
    forecasts = Forecasts(context)
    needs = {}
    for stage in missing:
        accelerator = stage.kind not in ON_CPU and context.config.device != "cpu"
        needs[stage.key] = Needs(accelerator, forecasts.of(stage).memory_bytes or 0)
    return needs


def _most(needs: Iterable[Needs]) -> Needs:
    each = list(needs)
    return Needs(any(one.accelerator for one in each), max(one.memory for one in each))


@contextmanager
def _shared_folder(root: Path) -> Iterator[Path]:
    """A folder that every worker can see. Its lock keeps others from sweeping it away."""
    name = f"workers-{secrets.token_hex(4)}"
    for folder in (root / "tmp", root / "locks"):
        folder.mkdir(parents=True, exist_ok=True)
    with locks.locked(root / "locks" / name):
        folder = root / "tmp" / f"{name}.progress"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
