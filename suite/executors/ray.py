"""A Ray cluster: `--executor ray` takes the one of RAY_ADDRESS or of this machine, or starts one;
`--executor ray:HOST:6379` takes another.

Each GPU of the cluster has a worker, or each core where a run needs no GPU. A worker is an actor
that lives as long as the run, so it loads an engine once; Ray looks for a machine that has the GPU
and the memory. All machines must see the store under the same path, and have suite installed.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from suite import hookimpl
from suite.api.executor import Executor, Needs
from suite.core import interrupt
from suite.core.amounts import in_bytes
from suite.core.errors import UserError

Task = tuple[Callable[[], Any], Future[Any]]
SECONDS = 10.0
"""That a cluster has to answer."""
PATIENCE = 300.0
"""Seconds that workers have at the end for the step at hand and its checkpoint."""


class Ray(Executor):
    """Actors on a Ray cluster."""

    name = "ray"
    extra = "ray"

    def start(self, most: Needs, folder: Path) -> None:
        """Connect, and wait for workers in the background. UserError: no cluster answers, or it has
        no machine for this run."""
        import ray

        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            _reach(self.argument)
            ray.init(address=self.argument or None, log_to_driver=False, logging_level="error")
        except (OSError, ValueError) as error:
            where = f":{self.argument}" if self.argument else ""
            raise UserError(
                f"--executor ray{where}: no Ray cluster answers; `ray start --head` starts one"
            ) from error
        try:
            resource, count = _slots(ray.nodes(), most)
        except UserError:
            ray.shutdown()
            raise
        asked = {"num_cpus": 1, "num_gpus": int(resource == "GPU"), "memory": most.memory}
        # Two calls at a time: one computes, the other tells it to end.
        self._worker = ray.remote(**asked, max_concurrency=2)(_Worker)
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._actors: set[Any] = set()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, call: Callable[[], Any], needs: Needs) -> Future[Any]:
        """Queue a call for the next worker that is free."""
        future: Future[Any] = Future()
        self._tasks.put((call, future))
        return future

    def stop(self) -> None:
        """Let the workers finish the step at hand, then leave the cluster."""
        import ray

        self._over.set()
        with suppress(ray.exceptions.RayError):
            ray.get([actor.end.remote() for actor in self._actors], timeout=PATIENCE)
        for _ in self._threads:
            self._tasks.put(None)
        try:
            for thread in self._threads:
                thread.join(PATIENCE)
        finally:
            ray.shutdown()  # ends the actors: they are this run's

    def _serve(self) -> None:
        """Give calls to one actor, and to a new one where that is lost."""
        while not self._over.is_set():
            actor = self._started()
            if actor is not None:
                self._actors.add(actor)
                self._serve_with(actor)
                self._actors.discard(actor)

    def _started(self) -> Any:
        """An actor that is ready. None: the run is over, or the actor could not start, of which the
        next call hears. Waits as long as no machine has room."""
        import ray

        actor = self._worker.remote(os.getcwd())
        ready = actor.ready.remote()
        while not self._over.is_set():
            try:
                ray.get(ready, timeout=1)
                return actor
            except ray.exceptions.GetTimeoutError:
                continue
            except ray.exceptions.RayError as error:
                task = self._tasks.get()
                if task is not None:
                    task[1].set_exception(error)
                return None
        return None

    def _serve_with(self, actor: Any) -> None:
        import ray

        while (task := self._tasks.get()) is not None:
            call, future = task
            try:
                future.set_result(ray.get(actor.run.remote(call)))
            except ray.exceptions.RayTaskError as error:
                future.set_exception(error)
            except ray.exceptions.RayError as error:  # the process or its machine is gone
                future.set_exception(error)
                return


class _Worker:
    """The process of an actor."""

    def __init__(self, folder: str) -> None:
        os.chdir(folder)

    def ready(self) -> None:
        """Answers once the process is there."""

    def run(self, call: Callable[[], Any]) -> Any:
        return call()

    def end(self) -> None:
        """Ask the call at work to stop at its next checkpoint."""
        interrupt.request()


def _reach(address: str) -> None:
    """Look whether anybody listens: Ray itself would try for minutes. OSError, ValueError: nobody
    does, or this is no address."""
    if not address or "://" in address:
        return
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=SECONDS):
        pass


def _slots(nodes: list[dict[str, Any]], most: Needs) -> tuple[str, int]:
    """What a worker occupies, and how many the cluster has room for now."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    roomy = [node for node in alive if node.get("memory", 0) >= most.memory]
    if not roomy:
        has = in_bytes(int(max((node.get("memory", 0) for node in alive), default=0)))
        raise UserError(
            f"--executor ray: a stage needs about {in_bytes(most.memory)} of memory, and no machine"
            f" of the cluster offers more than {has}"
        )
    gpus = int(sum(node.get("GPU", 0) for node in roomy))
    if most.accelerator and gpus:
        return "GPU", gpus
    return "CPU", max(1, int(sum(node.get("CPU", 0) for node in roomy)))


@hookimpl
def suite_executors() -> list[type[Executor]]:
    """Offer the executor."""
    return [Ray]
