"""Whether what lies in the store is what its manifests say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from suite.core.errors import CorruptError, UserError
from suite.store import locks
from suite.store.digests import file_digest
from suite.store.manifest import MANIFEST, Manifest, lies_in, read_manifest
from suite.store.publish import entries

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Problem:
    """Something that `suite verify` found."""

    path: Path
    kind: Literal["corrupt", "newer", "not reproduced", "leftover"]
    """corrupt: must not be used. newer: written by a later version. not reproduced: an input was
    built again since, and came out different. leftover: of a process that ended early; harmless."""
    message: str
    """A sentence that names the path."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


def check_stage(folder: Path) -> Manifest:
    """Check one stage folder, <kind>/<key>: the manifest, and size and SHA-256 of every file.

    No further file and no link may be there. Raises CorruptError, MissingError, or UserError for a
    newer schema.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise CorruptError(
            f"{folder} is a link or a file where a stage should be; delete it and run again"
        )
    manifest = read_manifest(folder)
    for problem in _problems_of_files(folder, manifest):
        raise CorruptError(
            f"{problem.message}; delete {folder} to have it made again, or see `suite verify`"
        )
    return manifest


def verify_store(root: Path) -> list[Problem]:
    """Check everything in the store; writes nothing."""
    return [*_problems_of_stages(root / "stages"), *_leftovers(root)]


def _problems_of_stages(stages: Path) -> Iterator[Problem]:
    manifests: dict[Path, Manifest] = {}
    for kind in sorted(stages.glob("*")):
        if kind.is_symlink() or not kind.is_dir():
            yield _corrupt(kind, "is a link or a file where a folder of stages should be")
            continue
        for folder in sorted(kind.iterdir()):
            yield from _problems_of_stage(folder, manifests)
    by_key = {manifest.key: manifest for manifest in manifests.values()}
    for folder, manifest in manifests.items():
        yield from _changed_inputs(folder, manifest, by_key)


def _problems_of_stage(folder: Path, manifests: dict[Path, Manifest]) -> Iterator[Problem]:
    """Yield what is wrong with one folder; add its manifest to `manifests` if it is sound."""
    if not _KEY.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
        yield _corrupt(folder, "is not a stage")
        return
    try:
        manifests[folder] = read_manifest(folder)
    except UserError as error:
        corrupt = error.exit_status > UserError.exit_status  # else a newer version wrote it
        yield Problem(folder / MANIFEST, "corrupt" if corrupt else "newer", str(error))
        return
    yield from _problems_of_files(folder, manifests[folder])


def _problems_of_files(folder: Path, manifest: Manifest) -> Iterator[Problem]:
    missing = dict(manifest.files)
    for name, entry in entries(folder):
        path = folder / name
        expected = missing.pop(name, None)
        if not entry.is_file(follow_symlinks=False):
            yield _corrupt(path, "is a link or a special file")
        elif expected is None and name != MANIFEST:
            yield _corrupt(path, "is not in the manifest")
        elif expected is not None and (size := entry.stat().st_size) != expected["size"]:
            yield _corrupt(path, f"has {size} bytes instead of {expected['size']}")
        elif expected is not None and file_digest(path) != expected["sha256"]:
            yield _corrupt(path, "has changed: its SHA-256 is not the manifest's")
    for name in missing:
        if not manifest.is_dropped(name):
            yield _corrupt(folder / name, "is missing")


def _changed_inputs(
    folder: Path, manifest: Manifest, by_key: dict[str, Manifest]
) -> Iterator[Problem]:
    for name, key in manifest.inputs.items():
        part = manifest.reads.get(name, "")
        found = by_key.get(key)
        if found is None or not any(lies_in(file, part) for file in found.files):
            continue  # nothing is there to compare with
        if found.content_of(part) != manifest.input_contents[name]:
            message = (
                f"{folder} was made from an input {name!r} ({key}) that was built again since and "
                "came out different"
            )
            yield Problem(folder, "not reproduced", message)


def _leftovers(root: Path) -> Iterator[Problem]:
    for folder in sorted((root / "tmp").glob("*")):
        if not locks.is_held(root / "locks" / folder.name.rpartition(".")[0]):
            yield Problem(
                folder, "leftover", f"{folder}: its process died; the next run removes it"
            )
    for folder in sorted((root / "scratch").glob("*/*")):
        if not locks.is_held(root / "locks" / f"{folder.parent.name}.{folder.name}"):
            yield Problem(folder, "leftover", f"{folder}: unfinished, the same run goes on from it")


def _corrupt(path: Path, what: str) -> Problem:
    return Problem(path, "corrupt", f"{path} {what}")
