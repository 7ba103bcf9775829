"""Foreign code stopped in time: a chat template may loop without end, or double a text until the
memory is full."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import threading
import time
from collections.abc import Iterator

SECONDS = 5.0
"""Longest that a template may take for one text; usual ones take a thousandth of a second."""
GROWTH = 2**28
"""Bytes by which the process may grow meanwhile."""
LOOK = 0.02
"""Seconds between two looks at the clock."""
_LOCK = threading.Lock()
_WATCHED: dict[int, tuple[float, int]] = {}
"""Thread -> when it is stopped, and at how much memory of the process."""
_WATCHER: threading.Thread | None = None


class StoppedError(BaseException):
    """The watched code took too long or too much. A BaseException, so that it catches nothing."""


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Stop the code within by a StoppedError when it exceeds its limits; in any thread."""
    thread = threading.get_ident()
    with _LOCK:
        _start_watching()
        _WATCHED[thread] = (time.monotonic() + SECONDS, _peak() + GROWTH)
    try:
        yield
    finally:
        with _LOCK:  # no exception may arrive after this
            _WATCHED.pop(thread, None)


def _start_watching() -> None:
    """One watcher for all; a fork leaves it behind, so it is looked for each time."""
    global _WATCHER
    if _WATCHER is None or not _WATCHER.is_alive():
        _WATCHER = threading.Thread(target=_watch, name="limits", daemon=True)
        _WATCHER.start()


def _watch() -> None:
    while True:
        time.sleep(LOOK)
        with _LOCK:
            for thread, (end, size) in list(_WATCHED.items()):
                if time.monotonic() > end or _peak() > size:
                    del _WATCHED[thread]
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(thread), ctypes.py_object(StoppedError)
                    )


def _peak() -> int:
    """The most memory that the process has had, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
