"""What belongs to the whole process is as it was after a plugin's code ran.

The working directory decides where the report lands, the signals whether an interruption leaves a
checkpoint, the number of threads what the next row computes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from suite.core.errors import UserError


@dataclass(frozen=True)
class Kept:
    """One thing of the process: its value, and how to have it back."""

    what: str
    read: Callable[[], Any]
    write: Callable[[Any], object]


@contextmanager
def unchanged(who: str, *, threads: bool = True) -> Iterator[None]:
    """Put back what the body changed of the process, whatever ends it; then UserError says what.

    `threads`: the number of torch's threads, too.
    """
    before = [(each, each.read()) for each in _kept(threads)]
    changed: list[str] = []
    try:
        yield
    finally:
        for kept, value in before:
            if kept.read() != value:
                changed.append(kept.what)
                kept.write(value)
    if changed:
        raise UserError(
            f"{who}: a plugin changed {' and '.join(changed)} of the whole process; "
            "that is put back, and what it computed is not kept"
        )


def _kept(threads: bool) -> list[Kept]:
    kept = [Kept("the working directory", _folder, os.chdir)]
    torch = sys.modules.get("torch")
    if threads and torch is not None:
        kept.append(Kept("torch's threads", torch.get_num_threads, torch.set_num_threads))
    if threading.current_thread() is threading.main_thread():  # only there may signals be set
        for each in (signal.SIGINT, signal.SIGTERM):
            back = partial(signal.signal, each)
            kept.append(Kept(f"the handler of {each.name}", partial(signal.getsignal, each), back))
    return kept


def _folder() -> str:
    """Where the process is; "" if the folder is gone."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""
