"""What can go wrong, and the exit status each kind ends in.

0 ok, 2 the user's mistake, 3 corrupt, 4 missing, 5 not reproduced, 130 / 143 interrupted.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """The user's mistake: shown as one line, without a traceback. Name the file, the field, the
    nearest valid name."""

    exit_status = 2


class SuiteWarning(UserWarning):
    """What the user should know and the run goes on without: shown as one line."""


class CorruptError(UserError):
    """Something on disk is not what its manifest says."""

    exit_status = 3


class MissingError(UserError):
    """Something that an earlier stage should have left is not there."""

    exit_status = 4


class DoesNotFit(UserError):
    """A method cannot run on a benchmark, or an engine cannot answer for a model.

    Where the run has something else to compute, this part of it is left out, and that is said.
    """


class SettingWarning(SuiteWarning):
    """A setting that is allowed and hardly meant: shown as one line, without where in the code."""


class PluginError(UserError):
    """A plugin's class did something else than its method must; the row that asked for it fails.

    The message names the class and the method; who catches it adds the plugin that offers `cls`.
    """

    exit_status = 1

    def __init__(self, cls: type, message: str) -> None:
        super().__init__(message)
        self.cls = cls


class DivergedError(Exception):
    """Training met a loss or gradient that is not finite; the cell is marked `diverged` and never
    ranked."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """`unknown("method", "npo2", ["npo"])` -> "unknown method 'npo2'; did you mean 'npo'?"."""
    names = sorted(known)
    near = nearest(name, names)
    hint = f"did you mean {near!r}?" if near else f"known: {', '.join(names) or 'none'}"
    return UserError(f"unknown {kind} {name!r}; {hint}")


CUTOFF = 0.65
"""How alike two names must be, by difflib. Below, hints mislead: `none` is no misspelt `npo`
(.57)."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that is meant, upper and lower case being the same; None if none is
    near."""
    plain = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), plain, n=1, cutoff=CUTOFF)
    return plain[near[0]] if near else None


def first_line(error: BaseException) -> str:
    """The first line of what a library says, cut after 200 characters."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
