"""What lies in a store: every entry with its size and age, and how entries are removed.

An entry is a finished stage, or what an interrupted one has left (its scratch folder).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from suite.core.errors import MissingError, UserError
from suite.store import locks, publish, uses
from suite.store.files import user_errors
from suite.store.manifest import Manifest, read_manifest


@dataclass(frozen=True)
class Entry:
    """Something in the store that can be removed by itself."""

    kind: str
    key: str
    folder: Path
    size: int
    """Bytes of its files."""
    created: datetime
    """When it was finished; of something unfinished, when it was last written."""
    label: str = ""
    finished: bool = True

    @property
    def age(self) -> float:
        """Seconds since it was created."""
        return (datetime.now(UTC) - self.created).total_seconds()


def inventory(root: Path) -> list[Entry]:
    """Every entry of the store, the oldest first. CorruptError: a manifest cannot be read."""
    finished = (_finished(folder) for folder in (root / "stages").glob("*/*"))
    unfinished = (_unfinished(folder) for folder in (root / "scratch").glob("*/*"))
    return sorted([*finished, *unfinished], key=lambda entry: (entry.created, entry.key))


def find_manifest(root: Path, key: str) -> Manifest:
    """The manifest of the finished stage whose key begins with `key`.

    MissingError: there is none. UserError: there are several.
    """
    found = [path for path in (root / "stages").glob("*/*") if path.name.startswith(key)]
    if not found:
        raise MissingError(f"the store {root} has no entry whose key begins with {key!r}")
    if len(found) > 1:
        raise UserError(f"the store {root} has {len(found)} entries whose keys begin with {key!r}")
    return read_manifest(found[0])


def remove(root: Path, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bool]]:
    """Remove entries; yields each, and whether it is gone: what a process uses stays."""
    with user_errors(root), uses.removing(root) as used:
        for entry in entries:
            name = f"{entry.kind}.{entry.key}"
            with locks.locked(root / "locks" / name, wait=False) as free:
                gone = free and entry.key not in used
                if gone:
                    aside = root / "tmp" / f"{name}.{secrets.token_hex(4)}"
                    publish.take_out(entry.folder, aside)
            yield entry, gone


def in_use(root: Path, entry: Entry) -> bool:
    """Whether a process makes or uses the entry now."""
    if locks.is_held(root / "locks" / f"{entry.kind}.{entry.key}"):
        return True
    with uses.removing(root) as used:
        return entry.key in used


def _finished(folder: Path) -> Entry:
    manifest = read_manifest(folder)
    created = datetime.fromisoformat(manifest.created)
    size = _size(folder)
    return Entry(manifest.kind, manifest.key, folder, size, created, manifest.label)


def _unfinished(folder: Path) -> Entry:
    written = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
    created = datetime.fromtimestamp(written, UTC)
    kind, key = folder.parent.name, folder.name
    return Entry(kind, key, folder, _size(folder), created, "unfinished", finished=False)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
