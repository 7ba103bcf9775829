"""How a folder becomes visible: wholly, with its manifest, or not at all."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from suite.core import faults
from suite.core.errors import UserError
from suite.store import locks
from suite.store.digests import file_digest
from suite.store.files import fsync_folder
from suite.store.manifest import MANIFEST, Manifest, read_manifest

AGAIN = "made-again"
"""File in the scratch folder of a stage that is made again."""


def entries(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield (path with slashes, entry) of all that is no folder. No link is followed."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            for name, inner in entries(Path(entry.path)):
                yield f"{entry.name}/{name}", inner
        else:
            yield entry.name, entry


def seal(folder: Path) -> dict[str, dict[str, Any]]:
    """Bring every file to disk and return {path: {size, sha256}}.

    UserError for what is no regular file, and for a file with the manifest's name.
    """
    files = {}
    for name, entry in entries(folder):
        path = Path(entry.path)
        if not entry.is_file(follow_symlinks=False):
            raise UserError(f"{name} is not a regular file, so it cannot be stored")
        if name == MANIFEST:
            raise UserError(f"{MANIFEST} is the store's own file; the stage must use another name")
        _fsync(path)
        files[name] = {"size": entry.stat().st_size, "sha256": file_digest(path)}
    for inner, _, _ in os.walk(folder):
        fsync_folder(Path(inner))
    return files


def publish(folder: Path, target: Path, manifest: Manifest) -> bool:
    """Write the manifest and rename `folder` to `target`; False if something is already there."""
    faults.point("publish.before_manifest")
    manifest.write(folder)
    faults.point("publish.before_rename")
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    faults.point("publish.after_rename")
    fsync_folder(target.parent)
    return True


def replace(folder: Path, target: Path, manifest: Manifest, aside: Path) -> None:
    """Put `folder` in the place of `target`, which moves to `aside`.

    A crash between the two leaves no stage, never a part of one.
    """
    manifest.write(folder)
    target.rename(aside)
    faults.point("publish.between_renames")
    folder.rename(target)
    fsync_folder(target.parent)


def drop(folder: Path, parts: Iterable[str], aside: Path) -> None:
    """Remove folders of a finished stage; each is whole or gone, and the manifest says so."""
    manifest = read_manifest(folder)
    there = [part for part in parts if (folder / part).is_dir()]
    dropped = sorted({*manifest.dropped, *there})
    dataclasses.replace(manifest, dropped=dropped).write(folder)
    faults.point("drop.before_rename")
    aside.mkdir(parents=True)
    for part in there:
        (folder / part).rename(aside / part)
    fsync_folder(folder)
    remove(aside)


def take_out(folder: Path, aside: Path) -> None:
    """Remove a folder of the store: whole or gone, whenever the process dies."""
    aside.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(aside)
    remove(aside)


def remove(folder: Path) -> None:
    """Delete a folder, or a link to one; what cannot be deleted stays for the next start."""
    if folder.is_symlink() or folder.is_file():
        with suppress(OSError):
            folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove what dead processes left: temporary folders, scratch of finished stages, locks."""
    for folder in _listed(root / "tmp"):
        _remove_unlocked(root, folder, folder.name.rpartition(".")[0])
    for folder in _listed(root / "scratch", depth=2):
        kind, key = folder.parent.name, folder.name
        manifest = root / "stages" / kind / key / MANIFEST
        if manifest.exists() and not _is_made_again(folder, manifest):
            _remove_unlocked(root, folder, f"{kind}.{key}")
    for lock in (*_listed(root / "locks"), *_listed(root / "uses")):
        with suppress(OSError), locks.locked(lock, wait=False):
            pass  # to release the lock removes its file


def mark_made_again(scratch: Path, target: Path) -> None:
    """Note in `scratch` that it belongs to a stage that is there and is made again."""
    (scratch / AGAIN).write_text(file_digest(target / MANIFEST))


def _is_made_again(scratch: Path, manifest: Path) -> bool:
    """Whether making the stage again was interrupted: its manifest is still the earlier one."""
    mark = scratch / AGAIN
    return mark.exists() and mark.read_text() == file_digest(manifest)


def _remove_unlocked(root: Path, folder: Path, lock: str) -> None:
    with suppress(OSError), locks.locked(root / "locks" / lock, wait=False) as free:
        if free:
            remove(folder)


def _listed(folder: Path, depth: int = 1) -> list[Path]:
    return sorted(folder.glob("/".join("*" * depth)))


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
