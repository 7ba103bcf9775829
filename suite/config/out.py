"""The folder that a run writes into: checked before anything is computed, and named.

    runs/latest -> 2026-11-25_12-14-28_tofu_ga-npo     a link to the last run that finished
    runs/2026-11-25_12-14-28_tofu_ga-npo/              results.json, leaderboard.md, ...
    runs/2026-11-24_17-02-51_tofu_ga/                  earlier runs stay

Only `latest` names a run anew each time; any other `--out` is written into as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from suite.core.errors import UserError
from suite.settings import RunConfig

LATEST = "latest"
LONGEST_NAME = 60
FILES = (
    "config.toml",
    "log.jsonl",
    "results.json",
    "leaderboard.json",
    "leaderboard.csv",
    "leaderboard.md",
    "leaderboard.html",
)
FOLDERS = ("samples", "alpaca_eval", "figures")
_CELL = "*__*__*__*__seed*"
"""What the files of a cell are called: see `suite.api.cells.Cell.slug`."""


def check_out(out: str) -> None:
    """Refuse a folder that cannot be written, before anything is computed. Makes nothing."""
    folder = Path(out).expanduser()
    problem = not_writable(folder)
    if not problem and folder.is_dir():
        problem = _in_the_way(folder)
    if problem:
        raise UserError(f"--out {out}: {problem}")


def not_writable(folder: Path) -> str:
    """Say why a folder cannot be made or written; "" if nothing speaks against it."""
    try:
        absolute = folder.expanduser().absolute()
        nearest = next(place for place in (absolute, *absolute.parents) if _is_there(place))
        if not nearest.is_dir():
            return f"{nearest} is a file, not a folder"
        if not os.access(nearest, os.W_OK | os.X_OK):
            return f"{nearest} cannot be written"
    except (OSError, ValueError) as error:
        return f"cannot be a folder: {getattr(error, 'strerror', None) or error}"
    return ""


def _is_there(path: Path) -> bool:
    """Whether there is something. OSError, ValueError: nothing can have such a name."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _in_the_way(folder: Path) -> str:
    for name in FILES:
        if (folder / name).is_dir():
            return f"{folder / name} is a folder where the run writes a file"
    for name in FOLDERS:
        if (folder / name).is_file():
            return f"{folder / name} is a file where the run makes a folder"
    return ""


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn a failure to write into one line."""
    try:
        yield
    except OSError as error:
        where = error.filename or out
        reason = error.strerror or error
        raise UserError(
            f"cannot write {where}: {reason}; choose another --out (what is in the store is kept)"
        ) from error


def make_folder(config: RunConfig) -> Path:
    """Make the run's folder: `--out`, or a new one with name and time where that is `latest`."""
    out = Path(config.out).expanduser()
    with writing(out):
        if out.name != LATEST:
            out.mkdir(parents=True, exist_ok=True)
            return out
        out.parent.mkdir(parents=True, exist_ok=True)
        name = f"{_stamp(time.time())}_{run_name(config)}"
        return _make_new(out.with_name(name))


def run_name(config: RunConfig) -> str:
    """Name a run by its benchmarks and methods: `tofu_ga-npo`."""
    name = f"{'-'.join(config.bench)}_{'-'.join(config.methods)}"
    return re.sub(r"[^A-Za-z0-9._=-]+", "-", name)[:LONGEST_NAME].strip("-_.")


def point_latest(config: RunConfig, folder: Path) -> None:
    """Let `latest` point at the run that has just finished."""
    link = Path(config.out).expanduser()
    if link.name != LATEST:
        return
    with writing(link):
        if link.is_dir() and not link.is_symlink():
            # Earlier versions wrote into a folder of this name: it becomes a run like the others.
            earlier = link.with_name(f"{_stamp(link.stat().st_mtime)}_earlier")
            link.rename(_make_new(earlier))
        # A link cannot be overwritten, but a rename replaces it in one step.
        fresh = link.with_name(f".{LATEST}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(folder.name, target_is_directory=True)
        fresh.replace(link)


def drop_old_cells(out: Path, slugs: set[str]) -> None:
    """Remove the answers that an earlier run has left here, of cells that this run lacks."""
    with writing(out):
        for path in (out / "samples").glob(f"{_CELL}.jsonl"):
            if path.stem not in slugs:
                path.unlink()
        for path in (out / "alpaca_eval").glob(_CELL):
            if path.name not in slugs:
                shutil.rmtree(path)


def _make_new(folder: Path) -> Path:
    """Make a folder that is not there yet; two runs may start in the same second."""
    numbered = folder
    for number in count(2):
        try:
            numbered.mkdir()
            break
        except FileExistsError:
            numbered = folder.with_name(f"{folder.name}-{number}")
    return numbered


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(seconds))
