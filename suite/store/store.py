"""The store: a folder of finished stages, each found by its key and made at most once.

Its layout:

    <root>/stages/<kind>/<key>/   a finished stage: its files and manifest.json
    <root>/tmp/                   stages being written
    <root>/scratch/<kind>/<key>/  checkpoints and partial answers of unfinished stages
    <root>/locks/                 one file per stage that is being made now
    <root>/uses/                  one file per process at work: the stages that it uses
    <root>/runs/                  one file per run: the stages that it is made of
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from suite.core import faults
from suite.core.errors import CorruptError, MissingError, UserError
from suite.store import locks, publish, uses
from suite.store.files import user_errors
from suite.store.manifest import MANIFEST, Manifest, Meter, describe, read_manifest
from suite.store.stage import Build, OnStep, Stage, untold
from suite.store.verify import Problem, check_stage, verify_store

Event: TypeAlias = Literal["cached", "waiting", "building", "built", "differs"]
"""differs: another process finished the same stage first, with other content, and the first one
counts; or a stage that was made again came out different, and the last one counts."""
Observer: TypeAlias = Callable[[Stage, Event, float], None]
"""Called with the seconds that checking (cached) or making (built) a stage took."""

Builder: TypeAlias = Callable[[Build], None]
"""Computes a stage: writes its files into `build.out`."""


def _no_builder(build: Build) -> None:
    raise UserError(f"{build.stage}: this store is only read; nobody computes what is missing")


def default_root() -> Path:
    """Return SUITE_STORE, or `suite` in the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("SUITE_STORE") or platformdirs.user_cache_path("suite"))


class Store:
    """A folder of finished stages, shared by any number of processes on one file system."""

    def __init__(
        self, root: Path, observer: Observer | None = None, builder: Builder | None = None
    ) -> None:
        """`builder`: computes what is missing; without one, nothing can be made."""
        self.root = root.expanduser().absolute()
        self._observer = observer or (lambda stage, event, seconds: None)
        self._builder = builder or _no_builder
        self._checked: set[str] = set()
        self._swept = False
        self._claim: Path | None = None

    def path(self, stage: Stage) -> Path:
        """Return the stage's folder, whether it exists or not."""
        return self.root / "stages" / stage.kind / stage.key

    def has(self, stage: Stage, part: str = "") -> bool:
        """Whether the stage is finished, and that folder of it there; files are not checked."""
        folder = self.path(stage)
        return (folder / MANIFEST).is_file() and (folder / part).is_dir()

    def manifest(self, stage: Stage) -> Manifest:
        """Read the manifest of a finished stage. Raises MissingError, CorruptError."""
        return read_manifest(self.path(stage))

    def ensure(self, stage: Stage, on_step: OnStep = untold, part: str = "") -> Path:
        """Return the folder of the finished stage, made now if it is missing, inputs first.

        It is made again where the folder `part` of it was dropped. A stage that another process is
        making is waited for. What is found is checked, every byte, once per process. `on_step` is
        told of training steps. Raises CorruptError for a damaged stage, UserError if the store
        cannot be written, and what the builder raises.
        """
        self._sweep_once()
        if not self.has(stage, part):
            inputs = {}
            for name, needed in stage.inputs.items():
                inputs[name] = self.ensure(needed, on_step, stage.reads.get(name, ""))
            self._make_once(stage, inputs, lambda: self.has(stage, part), on_step)
        self._check_once(stage)
        return self.path(stage)

    def make(self, stage: Stage) -> Path:
        """Return the folder of the finished stage, made now if it is missing or some of it was
        dropped; its inputs must be finished.

        Raises MissingError naming the input that is not, and otherwise what `ensure` raises.
        """
        self._sweep_once()
        if not self._whole(stage):
            for name, needed in stage.inputs.items():
                if not self.has(needed, stage.reads.get(name, "")):
                    raise MissingError(
                        f"{stage} needs {needed} ({needed.key}), which is not stored"
                    )
                self._check_once(needed)
            inputs = {name: self.path(needed) for name, needed in stage.inputs.items()}
            self._make_once(stage, inputs, lambda: self._whole(stage), untold)
        self._check_once(stage)
        return self.path(stage)

    @contextmanager
    def using(self, stages: Iterable[Stage]) -> Iterator[None]:
        """Keep everybody from removing anything of these stages, until the block ends."""
        with uses.using(self.root, [stage.key for stage in stages]) as self._claim:
            yield

    def drop(self, stage: Stage, parts: Iterable[str]) -> bool:
        """Remove folders of a finished stage to free space; False if another process uses it."""
        with (
            user_errors(self.root),
            uses.removing(self.root, self._claim) as used,
            # Not waited for: who makes the stage may wait to put it into its place.
            locks.locked(self._lock(stage), wait=False) as free,
        ):
            if stage.key in used or not free:
                return False
            publish.drop(self.path(stage), parts, self._temporary(stage))
            return True

    def _whole(self, stage: Stage) -> bool:
        """Whether the stage is finished and nothing of it was dropped."""
        return self.has(stage) and not self.manifest(stage).dropped

    def _make_once(
        self, stage: Stage, inputs: dict[str, Path], done: Callable[[], bool], on_step: OnStep
    ) -> None:
        with self._locked(stage):
            if not done():
                self._make(stage, inputs, on_step)

    def verify(self) -> list[Problem]:
        """Check every stage, every byte, and list what is wrong. Writes nothing."""
        return verify_store(self.root)

    def _check_once(self, stage: Stage) -> None:
        if stage.key in self._checked:
            return
        meter = Meter()
        check_stage(self.path(stage))
        self._checked.add(stage.key)
        self._observer(stage, "cached", meter.seconds())

    def _sweep_once(self) -> None:
        if not self._swept:
            self._swept = True
            publish.sweep(self.root)

    @contextmanager
    def _locked(self, stage: Stage) -> Iterator[None]:
        path = self._lock(stage)
        with user_errors(self.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = locks.acquire(path, wait=False)
            if descriptor is None:
                self._observer(stage, "waiting", 0.0)
                descriptor = locks.acquire(path)
        assert descriptor is not None
        try:
            yield
        finally:
            locks.release(descriptor, path)

    def _make(self, stage: Stage, inputs: dict[str, Path], on_step: OnStep) -> None:
        """Build and publish one stage; the caller holds its lock."""
        target, meter = self.path(stage), Meter()
        before = target if self.has(stage) else None
        if before is None and os.path.lexists(target):
            raise CorruptError(f"{target} has no {MANIFEST}; delete it and run again")
        with self._folders(stage) as (out, scratch):
            resumed = any(scratch.iterdir())
            if before is not None:
                publish.mark_made_again(scratch, before)
            self._observer(stage, "building", 0.0)
            with user_errors(self.root, only_full=True):
                faults.point("build.begin")
                build = Build(out, scratch, inputs, stage, on_step, before=before)
                self._builder(build)
            with user_errors(self.root):
                self._publish(build, meter.timings(resumed=resumed) | build.spent, meter)
            faults.point("publish.before_cleanup")
            publish.remove(scratch)

    @contextmanager
    def _folders(self, stage: Stage) -> Iterator[tuple[Path, Path]]:
        out = self._temporary(stage)
        scratch = self.root / "scratch" / stage.kind / stage.key
        with user_errors(self.root):
            for folder in (out, scratch, self.path(stage).parent):
                folder.mkdir(parents=True, exist_ok=True)
        try:
            yield out, scratch
        finally:
            publish.remove(out)

    def _lock(self, stage: Stage) -> Path:
        return self.root / "locks" / f"{stage.kind}.{stage.key}"

    def _temporary(self, stage: Stage) -> Path:
        """A folder that is swept away once the stage's lock is free."""
        return self.root / "tmp" / f"{stage.kind}.{stage.key}.{secrets.token_hex(4)}"

    def _publish(self, build: Build, timings: dict[str, Any], meter: Meter) -> None:
        stage = build.stage
        contents = {}
        for name, folder in build.inputs.items():
            contents[name] = read_manifest(folder).content_of(stage.reads.get(name, ""))
        files = publish.seal(build.out)
        manifest = describe(stage, contents, files, timings)
        if build.before is not None:
            self._replace(build, manifest, meter)
        elif publish.publish(build.out, self.path(stage), manifest):
            self._checked.add(stage.key)
            self._observer(stage, "built", meter.seconds())
        elif self._first(stage).content != manifest.content:
            self._observer(stage, "differs", meter.seconds())

    def _replace(self, build: Build, manifest: Manifest, meter: Meter) -> None:
        """Put a stage that was made again in the place of what is left of the earlier one."""
        stage, earlier = build.stage, self.manifest(build.stage)
        aside = self._temporary(stage)
        with uses.removing(self.root):
            publish.replace(build.out, self.path(stage), manifest, aside)
        publish.remove(aside)
        self._checked.add(stage.key)
        self._observer(stage, "built", meter.seconds())
        both = earlier.files.keys() & manifest.files.keys()
        if any(earlier.files[name] != manifest.files[name] for name in both):
            self._observer(stage, "differs", meter.seconds())

    def _first(self, stage: Stage) -> Manifest:
        """Check what another process published meanwhile, which happens only where locks do not
        work."""
        check_stage(self.path(stage))
        return self.manifest(stage)
