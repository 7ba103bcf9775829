"""A log of JSON lines that survives its writer's death; only a torn last line is lost.

    with JsonlWriter(path) as log:            # cuts a torn last line
        done = {answer["id"] for answer in read_jsonl(path)}
        if "q1" not in done:
            log.append({"id": "q1", "text": "..."})

Only the tail is forgiven: a malformed line before it is corruption.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suite.core import faults
from suite.core.errors import CorruptError, UserError
from suite.store.canonical import Json, canonical, parse
from suite.store.files import write_all


def read_jsonl(path: Path) -> Iterator[Any]:
    """Yield the value of every complete line; a file that does not exist yet has none.

    A last line without its newline was torn by a crash and is left out. Raises CorruptError, naming
    the line.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield parse(line)
            except ValueError as error:
                raise CorruptError(f"{path}, line {number} is not valid JSON: {error}") from None


class JsonlWriter:
    """Appends to a file that only one process writes at a time (UserError for the second).

    Each line is with the operating system when `append` returns, so it survives kill -9. It is on
    disk after `close`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise UserError(
                f"{path} is being written by another process; wait for it to end"
            ) from None
        self._file.truncate(_complete_length(path))

    def append(self, value: Json) -> None:
        """Add one line. After an error (OSError: disk full) the file is as it was before."""
        line = canonical(value).encode("ascii") + b"\n"
        length = os.fstat(self._file.fileno()).st_size
        faults.point("jsonl.append")
        try:
            write_all(self._file.fileno(), line)
        except OSError:
            self._file.truncate(length)
            raise

    def close(self) -> None:
        """Bring everything to disk and let the next writer in."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()

    def __enter__(self) -> JsonlWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _complete_length(path: Path) -> int:
    """Bytes up to and including the last newline."""
    # Read from the end: logs may be large, and a torn line is the last one.
    end = path.stat().st_size
    with path.open("rb") as file:
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0
