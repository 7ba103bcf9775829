"""Locks that die with their process: the kernel's `flock` on a small file.

The file goes when the lock does. A process that waited for the vanished file notices (the path no
longer names the file that it opened) and starts over, so two processes never hold the same path.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_held: set[int] = set()
"""Descriptors of the locks that this process holds."""


def _forget_inherited() -> None:
    """Close a forked child's copies, which would keep the locks alive after their owner's death."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_forget_inherited)


def acquire(path: Path, *, wait: bool = True) -> int | None:
    """Create `path` and lock it.

    Returns the open descriptor, or None if it is taken and `wait` is false.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _names(path, descriptor):
                _held.add(descriptor)
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def release(descriptor: int, path: Path | None = None) -> None:
    """Unlock, and remove the lock file `path` if one is given."""
    if descriptor not in _held:  # A forked child has none of its parent's locks.
        return
    if path is not None:
        with suppress(OSError):
            path.unlink()
    _held.discard(descriptor)
    os.close(descriptor)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock for the block; false if another process has it (only without `wait`)."""
    descriptor = acquire(path, wait=wait)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            release(descriptor, path)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock. Writes nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _names(path: Path, descriptor: int) -> bool:
    """Whether the path still names the open file."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
