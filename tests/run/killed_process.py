"""The command line in a process that notes its fault points and is ended at one of them.

    python killed_process.py POINTS NUMBER SIGNAL SECONDS run --bench tofu ...

POINTS is a file that gets the name of each point, one a line. SECONDS after the point of that
NUMBER (from 1; 0: never) the process sends itself the signal, so the moment may lie anywhere
between two points.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path


def main(points: Path, number: int, signal: int, seconds: float, arguments: list[str]) -> int:
    from suite.cli import main as command_line
    from suite.core import faults

    seen = 0

    def point(name: str, index: int | None = None) -> None:
        nonlocal seen
        seen += 1
        with points.open("a") as file:
            file.write(f"{name}\n")
        if seen == number:
            timer = threading.Timer(seconds, os.kill, (os.getpid(), signal))
            timer.daemon = True
            timer.start()

    faults.point = point
    return command_line(arguments)


if __name__ == "__main__":
    given = sys.argv
    sys.exit(main(Path(given[1]), int(given[2]), int(given[3]), float(given[4]), given[5:]))
