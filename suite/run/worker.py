"""What a worker of an executor does: it plans the run as the run itself did, and makes one stage.

    compute(job, key) -> Made, or why not

The plan of a process is made once and serves all stages that it is given, and so do its engine and
the tables that it has read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from suite.core import interrupt
from suite.core.errors import UserError
from suite.model import hardware
from suite.plan.build import build_plan
from suite.registry import Registry
from suite.run.events import observer
from suite.run.failure import Failure, failure_of
from suite.run.kinds import open_context
from suite.run.relay import Sender
from suite.settings import RunConfig
from suite.stages.context import Context
from suite.store import Stage, Store


@dataclass(frozen=True)
class Job:
    """A run, as its workers need it."""

    config: RunConfig
    folder: Path
    """Where workers write their progress."""
    cwd: str = field(default_factory=os.getcwd)


@dataclass(frozen=True)
class Made:
    """What became of a stage."""

    key: str
    built: bool = False
    """Whether it was made now; otherwise it was there."""
    failure: Failure | None = None
    interrupted: bool = False


class _Worker:
    """One process's view of a run."""

    def __init__(self, job: Job) -> None:
        os.chdir(job.cwd)
        config = job.config
        self.registry = Registry.load(config.block, files=config.plugin_file)
        self.sender = Sender(job.folder)
        self.context: Context = open_context(config, self.registry, self.sender)
        self.built: set[str] = set()
        self.stopped = False

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """The stages of the run, by key."""
        hardware.set_threads(self.context.config.model)
        return {stage.key: stage for stage in build_plan(self.context).stages()}

    @cached_property
    def store(self) -> Store:
        """The run's store, which notes what is made here."""
        seen = observer(self.built, self.sender)
        return Store(self.context.store.root, seen, self.context.build)

    def make(self, key: str) -> Made:
        """Make one stage, whose inputs are finished."""
        if self.stopped or interrupt.pending():
            return Made(key, interrupted=True)
        try:
            stage = self._stage(key)
            with self.store.using([stage, *stage.inputs.values()]):
                self.store.make(stage)
        except (KeyboardInterrupt, interrupt.Interrupted):
            self.stopped = True  # the pool may have the next call at hand already
            return Made(key, interrupted=True)
        except BaseException as error:  # a plugin may even call sys.exit
            return Made(key, failure=failure_of(error, self.registry))
        return Made(key, built=key in self.built)

    def _stage(self, key: str) -> Stage:
        if key not in self.stages:
            raise UserError(
                f"{os.uname().nodename} plans other stages than the machine that started the run: "
                "other code, packages, or a precision that `auto` chooses (name --dtype)"
            )
        return self.stages[key]


_workers: dict[Path, _Worker] = {}


def compute(job: Job, key: str) -> Made:
    """Make one stage of a run in this process."""
    if job.folder not in _workers:
        _workers.clear()  # a worker serves one run after the other
        _workers[job.folder] = _Worker(job)
    return _workers[job.folder].make(key)
