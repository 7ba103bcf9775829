"""Progress of several processes in one display: each writes what it does into a file, the run reads
all of them.

    worker:  Sender(folder).task("train npo", 40, "steps")
    run:     with Relay(folder, progress): ...

A file, and no pipe: it works between machines that share a folder, and outlives its writer.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from suite.core.progress import Progress, Task

EVERY = 0.2
"""Seconds between two looks at the files, and between two lines of one bar."""


class Sender:
    """Progress of this process, written into a file of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        path = folder / f"{os.uname().nodename}.{os.getpid()}.jsonl"
        self._file = path.open("a", buffering=1)
        self._opened = 0

    @contextmanager
    def task(self, label: str, total: int, unit: str = "") -> Iterator[Task]:
        """Open a bar of `total` units."""
        self._opened += 1
        bar = self._opened
        self.write("open", bar, label, total, unit)
        sending = _Sending(self, bar)
        try:
            yield sending
        finally:
            sending.flush()
            self.write("close", bar)

    def say(self, line: str) -> None:
        """Show one line above the bars."""
        self.write("say", line)

    def write(self, *event: Any) -> None:
        """Write one event."""
        self._file.write(json.dumps(event) + "\n")


class _Sending:
    """One bar; what advances within a moment is one line."""

    def __init__(self, sender: Sender, bar: int) -> None:
        self._sender, self._bar = sender, bar
        self._count, self._note = 0, ""
        self._next = 0.0

    def advance(self, count: int = 1, note: str = "") -> None:
        self._count += count
        self._note = note
        if time.monotonic() >= self._next:
            self.flush()

    def flush(self) -> None:
        if self._count:
            self._sender.write("advance", self._bar, self._count, self._note)
        self._count = 0
        self._next = time.monotonic() + EVERY


class Relay:
    """Shows what the files in `folder` say, until the block ends."""

    def __init__(
        self,
        folder: Path,
        progress: Progress,
        on_step: Callable[[int, Mapping[str, float]], None] = lambda step, metrics: None,
    ) -> None:
        """`on_step`: is told of training steps that a process writes as "step" events."""
        self._folder, self._progress, self._on_step = folder, progress, on_step
        self._read: dict[Path, int] = {}
        self._bars: dict[tuple[Path, int], tuple[AbstractContextManager[Task], Task]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()
        for bar, _ in self._bars.values():  # of workers that were lost
            bar.__exit__(None, None, None)
        self._bars.clear()

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self._look()

    def _look(self) -> None:
        for path in sorted(self._folder.glob("*.jsonl")):
            for event in self._events(path):
                self._show(path, *event)

    def _events(self, path: Path) -> Iterator[list[Any]]:
        """The events that were written since the last look; half a line waits for its end."""
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            content = file.read()
        whole, _, _ = content.rpartition(b"\n")
        if whole:
            self._read[path] = self._read.get(path, 0) + len(whole) + 1
            yield from map(json.loads, whole.splitlines())

    def _show(self, path: Path, what: str, *given: Any) -> None:
        if what == "say":
            self._progress.say(*given)
            return
        if what == "step":
            self._on_step(*given)
            return
        bar = (path, given[0])
        if what == "open":
            opened = self._progress.task(*given[1:])
            self._bars[bar] = opened, opened.__enter__()
        elif what == "advance":
            self._bars[bar][1].advance(*given[1:])
        else:
            self._bars.pop(bar)[0].__exit__(None, None, None)
