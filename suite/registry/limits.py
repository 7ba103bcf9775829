"""A limit on the time that a plugin's code may take before anything runs."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

GRACE = 5.0
"""Seconds after the alarm until the process is ended."""


@contextmanager
def within(seconds: float, who: str) -> Iterator[None]:
    """Raise TimeoutError where the body takes longer. `who`: whose code it is, for the message.

    The alarm exists on POSIX and in the main thread alone; elsewhere there is no limit. A body
    that never leaves C code cannot be stopped: then the process ends in one line, unless that code
    keeps Python's lock. An alarm that the caller has set is left alone.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def too_long(number: int, frame: object) -> NoReturn:
        raise TimeoutError(f"it took longer than {seconds:g} s to load")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    last = threading.Timer(seconds + GRACE, _end, [who])
    last.daemon = True
    last.start()
    try:
        yield
    finally:
        last.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _end(who: str) -> NoReturn:
    # It names a distribution, whose metadata may hold anything.
    shown = "".join(char if char.isprintable() else "?" for char in who)
    print(f"suite: error: {shown} hangs in C code while it loads", file=sys.stderr, flush=True)
    os._exit(1)
