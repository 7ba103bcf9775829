"""A stage: one step of a run, as data. It is stored under a key derived from everything that
determines its result.

    Stage("respond", {"requests": "5c1…", "epoch": 3, ...}, {"model": train},
          code=("suite.respond.stage",))

A stage can be printed and pickled. Who computes it is found by its kind (see
`suite.stages.context`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from suite.core.errors import UserError
from suite.store.canonical import Json, digest, plain
from suite.store.closure import contents

SCHEMA_VERSION = 1
"""Version of the store's layout and manifests; part of every key."""

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")

OnStep = Callable[["Stage", int, Mapping[str, float]], None]
"""Told of each step of a training: its stage, its number from 1, and what was measured."""


def untold(stage: Stage, step: int, metrics: Mapping[str, float]) -> None:
    """Tell nobody."""


@dataclass
class Build:
    """What the builder of a stage is given."""

    out: Path
    """An empty folder; its files become the stage once the builder returns. Regular files, no
    manifest.json."""
    scratch: Path
    """Survives crashes: for step checkpoints and partial answers. Removed once the stage is
    finished."""
    inputs: dict[str, Path]
    """The finished folders of the stage's inputs, by name. Read only."""
    stage: Stage
    told: OnStep = untold
    """Who wants to hear of training steps."""
    spent: dict[str, float] = field(default_factory=dict)
    """What the builder measured of its own cost, for the manifest's timings."""
    before: Path | None = None
    """The stage as it was made before, if it is made again because a folder of it was dropped."""

    def on_step(self, step: int, metrics: Mapping[str, float]) -> None:
        """Tell of a training step, counted from 1."""
        self.told(self.stage, step, metrics)

    @property
    def spec(self) -> Mapping[str, Any]:
        """The stage's configuration."""
        return self.stage.spec

    @property
    def shards(self) -> int:
        """So many processes compute the stage together."""
        count: int = self.resources.get("step", {}).get("shards", 1)
        return count

    @property
    def resources(self) -> Mapping[str, Any]:
        """What the stage is computed with."""
        return self.stage.resources


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of a run. The keys of a whole plan are known before anything runs.

    Raises UserError at once for a spec that is not JSON, and for a kind that is not a plain
    lower-case name.
    """

    kind: str
    """What it makes: "base", "train", "reference", "respond", "score", ... Also the name of a
    folder."""
    spec: Mapping[str, Json]
    """The resolved configuration: everything that determines the result beside inputs and code."""
    inputs: Mapping[str, Stage] = field(default_factory=dict)
    """Stages whose results are read, by name. Their keys enter the key."""
    code: tuple[str, ...] = ()
    """Modules whose code, with all that they import, decides the result: that of the builder. ():
    none, because something in the spec stands for the code, such as a judge's revision."""
    label: str = ""
    """For people; not in the key."""
    resources: Mapping[str, Json] = field(default_factory=dict)
    """What it is computed with and does not change the result: a micro-batch size, say. Not in the
    key."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """Input name -> the folder of that input which is read; its other folders may have been
    dropped. Without an entry, all of it. Not in the key."""

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise UserError(f"stage kind {self.kind!r} is not a plain name such as 'train'")
        # A copy: what happens to the caller's dict later must not part the key from what is built.
        for name in ("spec", "resources"):
            values = plain(getattr(self, name), f"{self.kind} {name}")
            object.__setattr__(self, name, MappingProxyType(values))

    def __reduce__(self) -> tuple[type[Stage], tuple[Any, ...]]:
        spec, resources = dict(self.spec), dict(self.resources)
        values = (spec, dict(self.inputs), self.code, self.label, resources, dict(self.reads))
        return Stage, (self.kind, *values)

    @cached_property
    def code_digests(self) -> dict[str, str]:
        """Module -> digest of its content, of all modules that the result depends on."""
        return contents(self.code)

    @cached_property
    def input_keys(self) -> dict[str, str]:
        """Input name -> key."""
        return {name: stage.key for name, stage in self.inputs.items()}

    @cached_property
    def key(self) -> str:
        """SHA-256, in hex, of all that determines the result."""
        return stage_key(self.kind, self.code_digests, self.input_keys, self.spec)

    def as_json(self) -> dict[str, Json]:
        """The stage as `suite plan --json` prints it: inputs by their keys."""
        return {
            "key": self.key,
            "kind": self.kind,
            "label": self.label,
            "spec": dict(self.spec),
            "inputs": dict(self.input_keys),
            "resources": dict(self.resources),
        }

    def __str__(self) -> str:
        return self.label or f"{self.kind} {self.key[:12]}"


def stage_key(kind: str, code: Mapping[str, str], inputs: Json, spec: Json) -> str:
    """Hash the parts of a key; the same from a stage and from a manifest. `code`: module -> digest
    of its content; the names are not part of the key, so that a module may move."""
    parts: dict[str, Json] = {
        "schema": SCHEMA_VERSION,
        "kind": kind,
        "inputs": inputs,
        "spec": spec,
    }
    return digest({**parts, "code": sorted(set(code.values()))})
