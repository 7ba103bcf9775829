"""Progress of long stages: what is being done, how fast, how long still."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Task(Protocol):
    """One bar."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """`count` more units are done; `note` is shown beside the bar (the loss, say)."""
        ...


class Progress(Protocol):
    """Where stages report; the command line shows bars, a library user gets silence."""

    def task(self, label: str, total: int, unit: str = "") -> AbstractContextManager[Task]:
        """Open a bar of `total` units."""
        ...

    def say(self, line: str) -> None:
        """Show one line above the bars."""
        ...


class Silent:
    """Reports nothing."""

    def task(self, label: str, total: int, unit: str = "") -> AbstractContextManager[Task]:
        """Return a bar that nobody sees."""
        return nullcontext(_Nothing())

    def say(self, line: str) -> None:
        """Say nothing."""


class _Nothing:
    def advance(self, count: int = 1, note: str = "") -> None:
        """Do nothing."""
