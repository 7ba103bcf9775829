"""A stage at which the process ends again and again fails its row, instead of ending every start.

    <scratch>/running.json   {"done": 7, "ends": 1}     there while the stage is computed

A method that calls `os._exit`, a crash in C code and the kernel's kill for lack of memory leave
nothing but this file. One end is no fault: the next start goes on from there. The third in a row
that came no further is refused in one line; the start after that tries again. How far a stage came
is the number of lines in its scratch: training steps, answers, verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from suite.core.errors import UserError
from suite.store import Build, read_json, write_json

MARKER = "running.json"
ENDS = 3
"""Ends in a row, at the same place, that fail the stage."""


@contextmanager
def noted(build: Build, plugin: str) -> Iterator[None]:
    """Note that a stage is being computed. UserError: the process ended here three times.

    `plugin`: who offers the method that the stage runs, as the beginning of a message; "": nobody.
    """
    marker = build.scratch / MARKER
    done, ends = _lines(build.scratch), 0
    if marker.exists():
        last: dict[str, Any] = read_json(marker)
        ends = last["ends"] + 1 if last["done"] == done else 1
    if ends >= ENDS:
        marker.unlink()
        raise UserError(
            f"{plugin}{build.stage}: the process ended {ends} times in a row while this was "
            f"computed, each time {_after(done)}; it ends the process, or memory runs out; the "
            "same command tries it again"
        )
    write_json(marker, {"done": done, "ends": ends})
    try:
        yield
    finally:
        marker.unlink(missing_ok=True)


def _lines(scratch: Path) -> int:
    """Lines of what a stage notes as it goes on."""
    return sum(path.read_bytes().count(b"\n") for path in sorted(scratch.glob("*.jsonl")))


def _after(done: int) -> str:
    return f"after {done} steps or answers" if done else "before the first step or answer"
