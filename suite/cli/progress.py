"""Progress bars of long stages: what is done, how fast, how long still."""

from __future__ import annotations

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


class RichProgress:
    """Bars on a terminal's stderr; elsewhere one line when a task ends, fit for a log."""

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
            yield _Advance(self._bars, bar)
        finally:
            self._close(bar)

    def say(self, line: str) -> None:
        """Show one line above the bars."""
        self._console.print(Text(visible(line)), soft_wrap=True)

    def _close(self, bar: TaskID) -> None:
        task = next(each for each in self._bars.tasks if each.id == bar)
        done = f"{task.completed:g} of {task.total:g} {task.fields['unit']}".rstrip()
        self.say(f"{task.description}: {done} in {task.elapsed or 0.0:.1f} s")
        self._bars.remove_task(bar)
        self._open -= 1
        if self._console.is_terminal and not self._open:
            self._bars.stop()


@dataclass
class _Advance:
    bars: Progress
    bar: TaskID

    def advance(self, count: int = 1, note: str = "") -> None:
        """`count` more units are done; `note` is shown beside the bar."""
        self.bars.update(self.bar, advance=count, note=visible(note))


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Units per second, or seconds per unit where that is more than one."""
        speed = task.finished_speed or task.speed
        unit = task.fields["unit"] or "it"
        if not speed:
            return Text("")
        return Text(f"{speed:.1f} {unit}/s" if speed >= 1 else f"{1 / speed:.1f} s/{unit}")
