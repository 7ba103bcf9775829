"""What other people's code prints, kept out of what the command prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

STDOUT, STDERR = 1, 2


@contextmanager
def to_stderr() -> Iterator[None]:
    """What the body prints goes to stderr, be it by Python, by `os.write` or by a C library."""
    if sys.stdout:  # None where the process began without one
        sys.stdout.flush()
    try:
        kept = os.dup(STDOUT)
    except OSError:  # stdout is closed
        yield
        return
    try:
        with suppress(OSError):  # stderr is closed
            os.dup2(STDERR, STDOUT)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _flush_c()
        os.dup2(kept, STDOUT)
        os.close(kept)


def _flush_c() -> None:
    """Write out what C libraries have printed: into a pipe they would do so at the very end."""
    import ctypes

    with suppress(AttributeError, OSError):  # no such function on this system
        ctypes.CDLL(None).fflush(None)
