"""Where the stages of a run are computed, beside the process that was started.

    class Cluster(suite.Executor):
        name = "cluster"

        def start(self, most, folder): ...              --executor cluster:ADDRESS
        def submit(self, call, needs): ...              run `call()` somewhere, return a Future
        def stop(self): ...

What is computed travels through the store, which all processes share. A call is small: it can be
pickled, and holds the settings of the run and the key of one stage.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True)
class Needs:
    """What a stage asks of the machine that computes it."""

    accelerator: bool = False
    """A GPU, where the run computes on GPUs."""
    memory: int = 0
    """Bytes, by the forecast; 0 where none is known."""


class Executor(ABC):
    """Base class of every executor plugin. Making one is cheap; `start` starts its workers."""

    name: ClassVar[str]
    extra: ClassVar[str] = ""
    """The package that it needs beside its distribution's own, if any; as of an engine."""

    def __init__(self, argument: str = "") -> None:
        """`argument`: what follows the colon, "4" of `--executor local:4`. Raises UserError where
        it cannot be used."""
        self.argument = argument

    @abstractmethod
    def start(self, most: Needs, folder: Path) -> None:
        """Start the workers, or connect to them. UserError: they cannot be had.

        `most`: what the stages of the run ask, each at most. `folder`: one that all workers see,
        removed after the run.
        """

    @abstractmethod
    def submit(self, call: Callable[[], Any], needs: Needs) -> Future[Any]:
        """Run a call in a worker. The future raises where the worker was lost: then the same call
        is submitted again."""

    @abstractmethod
    def stop(self) -> None:
        """End the workers and wait for them. One that is at work gets SIGTERM, and ends as soon as
        a checkpoint is written."""
