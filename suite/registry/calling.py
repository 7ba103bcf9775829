"""How plugins are called: within a time limit, with their output on stderr, and what they give back
is checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from suite.api.method import Method
from suite.core.errors import UserError
from suite.core.printing import to_stderr
from suite.registry.limits import within
from suite.registry.plugin import DISTRIBUTION, PluginInfo

LOADING_SECONDS = 60.0
"""How long a plugin may take to be imported and to list what it offers."""


@contextmanager
def guarded(info: PluginInfo) -> Iterator[None]:
    """Time limit and output of a plugin that loads; the host's own need neither.

    What it prints would stand in the middle of what `--json` prints.
    """
    if info.distribution == DISTRIBUTION:
        yield
        return
    with to_stderr(), within(LOADING_SECONDS, f"{info}, which `--block {info.name}` leaves out,"):
        yield


def listed(info: PluginInfo, hook: str, given: Any) -> list[Any]:
    """What a hook gives, as a list; a class or None, given by mistake, is refused."""
    if isinstance(given, Iterable) and not isinstance(given, type | str | Mapping):
        return list(given)
    raise TypeError(f"{info}: {hook} must return a list, such as [Mine], not {given!r}")


def methods_of(module: Any) -> list[type[Method[Any]]]:
    """The methods that a plugin's module offers."""
    return list(module.suite_methods()) if hasattr(module, "suite_methods") else []


def observe(implementation: Any, arguments: dict[str, Any]) -> None:
    """Call an observer with a copy of what it takes: it changes nothing of the run.

    UserError: it changed the working directory, where the report lands. It is put back.
    """
    taken = {name: arguments[name] for name in implementation.argnames}
    here = os.getcwd()
    try:
        call(implementation, deepcopy(taken))
        if os.getcwd() != here:
            raise UserError("it changed the working directory, which is put back")
    finally:
        os.chdir(here)


def call(implementation: Any, arguments: dict[str, Any]) -> Any:
    """Call one implementation with those of the arguments that it takes."""
    return implementation.function(*(arguments[name] for name in implementation.argnames))
