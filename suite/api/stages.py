"""Kinds of stages: who computes a stage is found by the stage's kind. Plugins may add kinds of
their own.

    @builds("noise")
    def add_noise(build, host):            build.spec, build.inputs, build.out, build.resources
        model = load(build.inputs["model"])
        ...
        save(model, build.out)

    @hookimpl
    def suite_stages():
        return [add_noise]

The module in which the builder stands, with all that it imports, is part of the key of every stage
of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from suite.api.engine import Engine
from suite.core.progress import Progress
from suite.settings import RunConfig
from suite.store import Build, Json, Stage


class Host(Protocol):
    """What a run offers to the builders of its stages, and to its judge."""

    config: RunConfig
    progress: Progress

    @property
    def device(self) -> str:
        """Where tensors live."""
        ...

    @property
    def dtype(self) -> str:
        """Precision of forward passes."""
        ...

    @property
    def engine(self) -> Engine:
        """Who answers requests."""
        ...

    def source_digest(self, cls: type[Any]) -> str:
        """Digest of the code of a plugin's class and of what it imports."""
        ...

    def stage(
        self,
        kind: str,
        spec: Mapping[str, Json],
        inputs: Mapping[str, Stage] | None = None,
        *,
        label: str = "",
        resources: Mapping[str, Json] | None = None,
    ) -> Stage:
        """Describe a stage; its key holds the code of the kind's builder. UserError: no such
        kind."""
        ...

    def with_config(self, config: RunConfig) -> Host:
        """The same run with other settings: another model, another engine."""
        ...


@dataclass(frozen=True)
class StageKind:
    """A kind of stage, and the function that computes it."""

    name: str
    build: Callable[[Build, Any], None]
    """Writes the result into `build.out`; the second argument is the `Host`."""

    @property
    def module(self) -> str:
        """The module whose code, with all that it imports, enters the keys."""
        return self.build.__module__


def builds(name: str) -> Callable[[Callable[[Build, Any], None]], StageKind]:
    """Say that a function computes stages of the kind `name`."""

    def make(build: Callable[[Build, Any], None]) -> StageKind:
        return StageKind(name, build)

    return make
