"""Why a stage could not be computed, in the words of the report; the same from any process."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Literal

from suite.core.errors import CorruptError, DivergedError, PluginError, UserError
from suite.registry import Registry


@dataclass(frozen=True)
class Failure:
    """What a report says of a stage that failed."""

    status: Literal["diverged", "failed"]
    text: str
    """One line."""
    exit_status: int = 1
    trace: str = ""
    """The traceback, of an error that nobody expected."""
    corrupt: bool = False
    """Whether something on disk is damaged: this ends the run."""
    unblamed: bool = False
    """Whether only the host's own code raised, so that `text` names no plugin."""


class Failed(Exception):
    """A stage failed in another process."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def failure_of(error: BaseException, registry: Registry) -> Failure:
    """Say why a stage failed. A plugin may even call `sys.exit`."""
    if isinstance(error, Failed):
        return error.failure
    if isinstance(error, DivergedError):
        return Failure("diverged", str(error))
    if isinstance(error, PluginError):
        said = f"{registry.name_plugin(error.cls)}{error}"
        return Failure("failed", said, error.exit_status)
    if isinstance(error, UserError):
        corrupt = isinstance(error, CorruptError)
        return Failure("failed", str(error), error.exit_status, corrupt=corrupt)
    blame = registry.blame(error)
    trace = "".join(traceback.format_exception(error))
    said = f"{blame}{type(error).__name__}: {error}"
    return Failure("failed", said, trace=trace, unblamed=not blame)
