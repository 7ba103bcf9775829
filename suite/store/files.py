"""Files that are either the old one or the new one, whatever happens while they are written."""

from __future__ import annotations

import errno
import glob
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from suite.core import faults
from suite.core.errors import CorruptError, MissingError, UserError
from suite.store import locks
from suite.store.canonical import Json, parse, plain

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def atomic_write(path: Path, content: bytes | str) -> None:
    """Replace `path` by `content` (text as UTF-8): on disk, wholly, or not at all.

    A temporary file that a dead process has left beside `path` is removed. Raises OSError.
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    _drop_leftovers(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = locks.acquire(temporary)  # The lock tells a writer at work from a dead one.
    assert descriptor is not None
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)  # before the rename, or a power cut could leave an empty file
        faults.point("write.before_rename")
        temporary.replace(path)
        fsync_folder(path.parent)
    finally:
        locks.release(descriptor, temporary)


def inside(folder: Path, name: str) -> Path:
    """Return `folder / name`. UserError if that lies outside: a name may come from anybody's file.

    Links are followed, so one within the folder that leads out of it is refused too.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{name!r} would be written outside of {folder}")
    return path


def _drop_leftovers(path: Path) -> None:
    """Remove temporary files whose writer is dead: to release a lock removes its file."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.????????.tmp"):
        with locks.locked(leftover, wait=False):
            pass


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; the kernel may take them in parts."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Json) -> None:
    """Write `value` atomically: sorted keys, two spaces of indent, ASCII, no NaN (UserError)."""
    text = json.dumps(plain(value, path.name), sort_keys=True, indent=2, allow_nan=False)
    atomic_write(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises MissingError if there is none, CorruptError (line, column) if malformed.
    """
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        raise MissingError(f"{path} is missing") from None
    except ValueError as error:
        raise CorruptError(f"{path} is not valid JSON: {error}") from None


@contextmanager
def user_errors(root: Path, *, only_full: bool = False) -> Iterator[None]:
    """Turn "cannot write there" into one line for the user.

    `only_full`: a full disk only; every other error goes on up as it is.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # Libraries written in Rust (safetensors) report a full disk in words only.
        full = getattr(error, "errno", None) in _FULL or "No space left on device" in str(error)
        if not full and (only_full or not isinstance(error, OSError)):
            raise
        where = getattr(error, "filename", None) or root
        reason = getattr(error, "strerror", None) or error
        remedy = "free some space, or move the store" if full else "move the store"
        raise UserError(
            f"cannot write {where}: {reason}; {remedy} (--store DIR or SUITE_STORE)"
        ) from error
