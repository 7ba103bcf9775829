"""Several processes on this machine: `--executor local:4`; `local` takes one for each GPU, or two.

Each process has its share of the cores, and a GPU of its own as long as there are enough.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import hookimpl
from suite.api.executor import Executor, Needs
from suite.core import interrupt
from suite.core.errors import UserError
from suite.model.devices import accelerators

if TYPE_CHECKING:
    from concurrent.futures import Future

PATIENCE = 60.0
"""Seconds that a worker whose parent died has to leave a checkpoint."""


class Local(Executor):
    """A pool of processes on this machine."""

    name = "local"

    def __init__(self, argument: str = "") -> None:
        if argument and not (argument.isdecimal() and int(argument)):
            raise UserError(
                f"--executor local:{argument}: the number of processes must be 1 or more"
            )
        self.count = int(argument or 0) or len(accelerators()) or 2

    def start(self, most: Needs, folder: Path) -> None:
        """Make the pool; a process starts with its first stage."""
        self._open()

    def _open(self) -> None:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        context = get_context("spawn")  # a fork would inherit torch's threads
        self._started = context.SimpleQueue()
        self._pids: list[int] = []
        slots = context.SimpleQueue()
        for slot in range(self.count):
            slots.put(slot)
        cores = max(1, (os.cpu_count() or 1) // self.count)
        self._pool = ProcessPoolExecutor(
            self.count,
            mp_context=context,
            initializer=_begin,
            initargs=(self._started, slots, cores, len(accelerators()), os.getpid()),
        )

    def submit(self, call: Callable[[], Any], needs: Needs) -> Future[Any]:
        """Give a call to the pool. A pool that lost a process is made anew."""
        from concurrent.futures.process import BrokenProcessPool

        try:
            return self._pool.submit(call)
        except BrokenProcessPool:
            self.stop()
            self._open()
            return self._pool.submit(call)

    def stop(self) -> None:
        """Let the workers finish the step at hand; a second Ctrl-C kills them."""
        self._signal(signal.SIGTERM)
        try:
            self._pool.shutdown(wait=True, cancel_futures=True)
        except BaseException:
            self._signal(signal.SIGKILL)
            raise

    def _signal(self, number: signal.Signals) -> None:
        while not self._started.empty():
            self._pids.append(self._started.get())
        for pid in self._pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _begin(started: Any, slots: Any, cores: int, gpus: int, parent: int) -> None:
    """Prepare a worker, before torch is imported in it."""
    started.put(os.getpid())
    slot = slots.get()
    os.environ["OMP_NUM_THREADS"] = str(cores)
    if gpus and "CUDA_VISIBLE_DEVICES" not in os.environ:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(slot % gpus)
    # Only the run itself writes to stdout.
    os.dup2(sys.stderr.fileno(), 1)
    interrupt.install()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Interrupt this process once its parent is gone: nobody waits for what it makes."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


@hookimpl
def suite_executors() -> list[type[Executor]]:
    """Offer the executor."""
    return [Local]
