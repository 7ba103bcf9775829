"""Fault points: places where a test makes the program die, named by the environment variable
SUITE_FAULT.

    SUITE_FAULT="publish.before_rename=kill"            every arrival at that point
    SUITE_FAULT="train.step:7=kill,jsonl.append:2=term" only step 7; only the second line

Without the variable, a point costs one look into the environment.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections import Counter
from typing import NoReturn

from suite.core.errors import UserError, unknown

_arrivals: Counter[str] = Counter()


def point(name: str, index: int | None = None) -> None:
    """Suffer the fault that SUITE_FAULT plans for this point, if any.

    `index` is what `name:N` is compared with, e.g. the step; by default the number of this arrival,
    from 1.
    """
    plan = os.environ.get("SUITE_FAULT")
    if not plan:
        return
    _arrivals[name] += 1
    reached = {name, f"{name}:{_arrivals[name] if index is None else index}"}
    for where, action in _parse(plan):
        if where in reached:
            _ACTIONS[action](where)


def _parse(plan: str) -> list[tuple[str, str]]:
    """`"a=kill,b:2=hang"` -> `[("a", "kill"), ("b:2", "hang")]`."""
    faults = []
    for part in plan.split(","):
        where, equals, action = part.strip().partition("=")
        if not (where and equals):
            raise UserError(f"SUITE_FAULT: {part!r} is not POINT=ACTION or POINT:N=ACTION")
        if action not in _ACTIONS:
            raise unknown("action in SUITE_FAULT", action, _ACTIONS)
        faults.append((where, action))
    return faults


def _kill(where: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _term(where: str) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _hang(where: str) -> None:
    print(f"hanging at {where}", flush=True)
    time.sleep(3600)


def _raise(where: str) -> NoReturn:
    raise RuntimeError(f"fault planned at {where}")


def _enospc(where: str) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _oom(where: str) -> NoReturn:
    """Raise what the accelerator's allocator raises; without torch, what the host's does."""
    torch = sys.modules.get("torch")
    raise (torch.OutOfMemoryError if torch else MemoryError)(f"out of memory planned at {where}")


_ACTIONS = {
    "kill": _kill,
    "term": _term,
    "hang": _hang,
    "raise": _raise,
    "enospc": _enospc,
    "oom": _oom,
}
