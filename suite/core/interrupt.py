"""SIGTERM and Ctrl-C: finish the step at hand, leave a checkpoint, then exit 143 or 130.

The handler only notes the signal; long loops call `check` where their state is whole. A second
Ctrl-C stops at once.
"""

from __future__ import annotations

import signal
from types import FrameType


class Interrupted(BaseException):
    """Raised where a loop's state is whole; `exit_status` is 128 + the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number


_pending: int | None = None


def _note(number: int, frame: FrameType | None) -> None:
    global _pending
    if _pending is not None:
        raise Interrupted(number)
    _pending = number


def install() -> None:
    """Catch SIGTERM and SIGINT from now on (main thread only)."""
    signal.signal(signal.SIGTERM, _note)
    signal.signal(signal.SIGINT, _note)


def request() -> None:
    """Ask the loop at work to end, as SIGTERM does; from any thread."""
    global _pending
    _pending = signal.SIGTERM


def pending() -> bool:
    """Whether a signal waits to be obeyed."""
    return _pending is not None


def check() -> None:
    """Obey a signal that came since the last check."""
    if _pending is not None:
        obey()


def obey() -> None:
    """End as the signal says that came; SIGTERM where another process was told it first."""
    global _pending
    number, _pending = _pending or signal.SIGTERM, None
    raise Interrupted(number)
