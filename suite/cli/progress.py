"""Progress bars of long stages: what is done, how fast, how long still."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from suite.core.progress import Task as Bar
from suite.report.text import visible

if TYPE_CHECKING:
    from rich.progress import TaskID


QUIET = 30.0
"""Seconds after which a task that goes on says in a log how far it is."""


class RichProgress:
    """Bars on a terminal's stderr; elsewhere lines fit for a log: one when a task ends, and now and
    then one of a task that takes long."""

    def __init__(self, console: Any = None) -> None:
        self._console: Console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=self._console,
            transient=True,
        )
        self._open = 0

    @contextmanager
    def task(self, label: str, total: int, unit: str = "") -> Iterator[Bar]:
        """Open a bar of `total` units; tasks may be nested."""
        if self._console.is_terminal and not self._open:
            self._bars.start()
        self._open += 1
        bar = self._bars.add_task(visible(label), total=total, note="", unit=unit)
        try:
            yield _Advance(self, bar)
        finally:
            self._close(bar)

    def say(self, line: str) -> None:
        """Show one line above the bars."""
        self._console.print(Text(visible(line)), soft_wrap=True)

    def advance(self, bar: TaskID, count: int, note: str) -> None:
        """Move a bar on."""
        self._bars.update(bar, advance=count, note=note)

    def log_time_left(self, bar: TaskID, rate: float) -> None:
        """Say in a log how far a task is, and how long it still takes at `rate` units a second."""
        task = self._task(bar)
        if not self._console.is_terminal and task.remaining:
            left = _rough(task.remaining / rate)
            self.say(f"{task.description}: {_done(task)}, {left} left")

    def _task(self, bar: TaskID) -> Task:
        return next(each for each in self._bars.tasks if each.id == bar)

    def _close(self, bar: TaskID) -> None:
        task = self._task(bar)
        self.say(f"{task.description}: {_done(task)} in {task.elapsed or 0.0:.1f} s")
        self._bars.remove_task(bar)
        self._open -= 1
        if self._console.is_terminal and not self._open:
            self._bars.stop()


def _done(task: Task) -> str:
    return f"{task.completed:g} of {task.total:g} {task.fields['unit']}".rstrip()


def _rough(seconds: float) -> str:
    """A time in the unit that fits: 40 s, 12 min, 3.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


@dataclass
class _Advance:
    bars: RichProgress
    bar: TaskID
    since: float | None = None
    count: int = 0
    """Units done since then."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """`count` more units are done; `note` is shown beside the bar."""
        self.bars.advance(self.bar, count, visible(note))
        now = time.monotonic()
        if self.since is None:  # what an earlier start had done tells nothing of the rate
            self.since = now
            return
        self.count += count
        if now - self.since >= QUIET:
            self.bars.log_time_left(self.bar, self.count / (now - self.since))
            self.since, self.count = now, 0


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Units per second, or seconds per unit where that is more than one."""
        speed = task.finished_speed or task.speed
        unit = task.fields["unit"] or "it"
        if not speed:
            return Text("")
        return Text(f"{speed:.1f} {unit}/s" if speed >= 1 else f"{1 / speed:.1f} s/{unit}")
