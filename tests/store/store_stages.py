"""Stages whose builder is a function of the test's own, and a store that finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from suite.store import Build, Observer, Stage
from suite.store import Store as PlainStore

BUILDERS: dict[str, Callable[[Build], None]] = {}
"""By the stage's key. Two stages of one key (another file, the same spec) have the builder that
came last."""


def made_by(
    build: Callable[[Build], None],
    kind: str,
    spec: Mapping[str, Any],
    inputs: Mapping[str, Stage] | None = None,
    *,
    code: tuple[str, ...] = (),
    label: str = "",
) -> Stage:
    """A stage that `build` computes."""
    stage = Stage(kind, spec, inputs or {}, code, label)
    BUILDERS[stage.key] = build
    return stage


class Store(PlainStore):
    """A store that computes the stages of `made_by`."""

    def __init__(self, root: Path, observer: Observer | None = None) -> None:
        super().__init__(root, observer, lambda build: BUILDERS[build.stage.key](build))
