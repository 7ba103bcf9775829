"""A limit on the time that a plugin's code may take before anything runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError where the body takes longer.

    The alarm exists on POSIX and in the main thread alone; elsewhere there is no limit. A body
    that never leaves C code is not stopped either. An alarm that the caller has set is left alone.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def too_long(number: int, frame: object) -> NoReturn:
        raise TimeoutError(f"it took longer than {seconds:g} s to load")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
