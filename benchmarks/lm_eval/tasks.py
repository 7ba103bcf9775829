"""Finding a task of the harness by name, and the digest of all that defines it.

find("arc_easy", None).digest      changes with the harness's definition, one's own YAML, and local data files
"""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from suite import UserError, digest, file_digest

READERS = ("", "json", "csv", "parquet", "arrow", "text", "imagefolder", "audiofolder")
"""Values of `dataset_path` that name a file format, not a place."""


@dataclass(frozen=True)
class Found:
    """A task, group or tag."""

    name: str
    manager: Any
    """The harness's TaskManager that knows it."""
    digest: str
    source: str
    """Where its data comes from, for the report."""

    def load(self) -> Any:
        """Load the definition and the data. UserError: the data is not there."""
        try:
            return self.manager.load([self.name])
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"lm_eval task {self.name!r} cannot be loaded: {type(error).__name__}: {reason}"
            ) from error


@cache
def find(name: str, include_path: str | None) -> Found:
    """Find a task. UserError: no such folder or task, with the nearest names."""
    own = _folder(include_path)
    if (
        own
    ):  # most of the time that is all: the harness's own 14,000 definitions take seconds to read
        manager = _manager(own, False)
        configs = dict(_configs(name, manager.task_index))
        if configs and all(configs.values()):
            return _found(name, manager, configs, own)
    manager = _manager(own, True)
    if name not in manager.task_index:
        raise _unknown(name, manager.all_tasks)
    return _found(name, manager, dict(_configs(name, manager.task_index)), own)


def _found(name: str, manager: Any, configs: dict[str, Any], own: Path | None) -> Found:
    """Digest the definitions, one's own folder and the local files that are read."""
    paths = {str(path): path for config in configs.values() for path in _local_data(config or {})}
    # YAML counts by what it defines, below; the rest of the folder (functions, data) by its bytes.
    beside = [path for path in _files(own) if path.suffix not in (".yaml", ".yml")] if own else []
    files = {str(path.relative_to(own)): path for path in beside} if own else {}
    content = {
        "configs": json.loads(
            json.dumps(_without_paths(configs, paths, own), default=str, sort_keys=True)
        )
    }
    content["files"] = {key: file_digest(path) for key, path in sorted(files.items())}
    content["data"] = sorted(file_digest(path) for path in paths.values())
    sources = sorted(
        {_source(config) for config in configs.values() if config and "group" not in config}
    )
    return Found(name, manager, digest(content), ", ".join(sources) or name)


def _folder(include_path: str | None) -> Path | None:
    if include_path is None:
        return None
    folder = Path(include_path).expanduser()
    if not folder.is_dir():
        raise UserError(f"lm_eval.include_path {include_path}: no such folder")
    return folder


@cache
def _manager(own: Path | None, defaults: bool) -> Any:
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=None if own is None else str(own), include_defaults=defaults)


def _configs(name: str, index: Any) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """The definition of that name and of all it refers to; None: not in this index, or defined
    where it is listed."""
    entry = index.get(name)
    if entry is None:
        return
    yield name, entry.cfg or {"tag": name}
    members = (
        (entry.cfg or {}).get("task")
        if "group" in (entry.cfg or {})
        else sorted(entry.tags - {name})
    )
    if entry.cfg is not None and "group" not in entry.cfg:
        return
    for member in members if isinstance(members, list) else []:
        inner = member if isinstance(member, str) else member.get("task") or member.get("group")
        if inner in index:
            yield from _configs(inner, index)
        elif isinstance(member, str):
            yield member, None


def _local_data(config: dict[str, Any]) -> Iterator[Path]:
    """Files on this machine that a task reads."""
    given = (config.get("dataset_kwargs") or {}).get("data_files") or ()
    listed = (
        given.values() if isinstance(given, dict) else [given] if isinstance(given, str) else given
    )
    for item in listed:
        for name in [item] if isinstance(item, str) else item:
            if Path(name).is_file():
                yield Path(name)
    where = config.get("dataset_path")
    if isinstance(where, str) and where not in READERS and Path(where).is_dir():
        yield from _files(Path(where))


def _files(folder: Path) -> list[Path]:
    """Every file below a folder, but for hidden ones and caches."""
    inside = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        p for p in inside if not any(x.startswith((".", "__")) for x in p.relative_to(folder).parts)
    )


def _without_paths(config: Any, paths: dict[str, Path], own: Path | None) -> Any:
    """The same with local files and functions named by the last part alone: where they lie does not
    matter."""
    if isinstance(config, dict):
        return {str(key): _without_paths(value, paths, own) for key, value in config.items()}
    if isinstance(config, list):
        return [_without_paths(value, paths, own) for value in config]
    import lm_eval

    roots = (Path(lm_eval.__file__).parent, *((own.resolve(),) if own else ()))
    if isinstance(config, str) and (
        config in paths or config.startswith(tuple(f"{root}/" for root in roots))
    ):
        return Path(config).name
    return config


def _source(config: dict[str, Any]) -> str:
    """`allenai/ai2_arc ARC-Easy, version 1.0`; of local files their names."""
    version = (config.get("metadata") or {}).get("version", "none")
    local = sorted({path.name for path in _local_data(config)})
    where = " ".join(
        local or filter(None, [str(config.get("dataset_path", "")), config.get("dataset_name")])
    )
    return f"{config.get('task')} ({where or 'its own data'}, version {version})"


def _unknown(name: str, known: list[str]) -> UserError:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(map(repr, near))}?" if near else "`lm-eval ls tasks` lists them"
    )
    return UserError(f"unknown lm_eval task {name!r}; {hint}")
