"""Finding a task of the harness by name, and the digest of all that defines it.

find("arc_easy", None).digest    changes with the harness's definition, with your own YAML files
                                 and with local data files
"""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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

    is_local: bool = False
    """Whether it reads files on this machine."""

    def load(self) -> Any:
        """Load the definition and the data. UserError: the data is not there."""
        try:
            with _cache_of(self.digest) if self.is_local else nullcontext():
                return self.manager.load([self.name])
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"lm_eval task {self.name!r} cannot be loaded: {type(error).__name__}: {reason}"
            ) from error


@contextmanager
def _cache_of(content: str) -> Iterator[None]:
    """Let `datasets` keep local tables by their content.

    By itself it knows a file by path and time stamp, so one replaced in place would stay the old.
    """
    import datasets

    before = datasets.config.HF_DATASETS_CACHE
    datasets.config.HF_DATASETS_CACHE = Path(before) / f"suite-{content[:16]}"
    try:
        yield
    finally:
        datasets.config.HF_DATASETS_CACHE = before


@cache
def find(name: str, include_path: str | None) -> Found:
    """Find a task. UserError: no such folder or task, with the nearest names."""
    own = _folder(include_path)
    if own:
        # Most of the time that is all: the harness's own 14,000 definitions take seconds to read.
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
    paths: dict[str, Path] = {}
    sources: set[str] = set()
    for config in configs.values():
        paths |= {str(path): path for path in _local_data(config or {})}
        if config and "group" not in config:
            sources.add(_source(config))
    defined = json.dumps(_without_paths(configs, paths, own), default=str, sort_keys=True)
    content = {
        "configs": json.loads(defined),
        "files": _beside(own) if own else {},
        "data": sorted(file_digest(path) for path in paths.values()),
    }
    return Found(name, manager, digest(content), ", ".join(sorted(sources)) or name, bool(paths))


def _beside(own: Path) -> dict[str, str]:
    """Digests of the functions and data in the user's folder.

    YAML files are not among them: they count by what they define.
    """
    digests: dict[str, str] = {}
    for path in sorted(_files(own)):
        if path.suffix not in (".yaml", ".yml"):
            digests[str(path.relative_to(own))] = file_digest(path)
    return digests


def _folder(include_path: str | None) -> Path | None:
    """The user's folder of tasks, if any. UserError if it is not there."""
    if include_path is None:
        return None
    folder = Path(include_path).expanduser()
    if not folder.is_dir():
        raise UserError(f"lm_eval.include_path {include_path}: no such folder")
    return folder


@cache
def _manager(own: Path | None, defaults: bool) -> Any:
    """The harness's TaskManager. `defaults`: with the harness's own definitions."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=None if own is None else str(own), include_defaults=defaults)


def _configs(name: str, index: Any) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield the definition of that name and of all that it refers to.

    A definition is None where the index does not have it or it stands in the list itself.
    """
    entry = index.get(name)
    if entry is None:
        return
    config = entry.cfg or {}
    yield name, config or {"tag": name}
    if "group" in config:
        members = config.get("task")
    elif entry.cfg is None:  # a tag
        members = sorted(entry.tags - {name})
    else:  # a task
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
    listed = given.values() if isinstance(given, dict) else _as_list(given)
    for item in listed:
        for name in _as_list(item):
            if Path(name).is_file():
                yield Path(name)
    where = config.get("dataset_path")
    if isinstance(where, str) and where not in READERS and Path(where).is_dir():
        yield from _files(Path(where))


def _as_list(names: Any) -> Any:
    """A single name as a list of one."""
    return [names] if isinstance(names, str) else names


def _files(folder: Path) -> list[Path]:
    """Every file below a folder, without hidden files and caches."""
    found: list[Path] = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "__")) for part in parts)
        if path.is_file() and not hidden:
            found.append(path)
    return found


def _without_paths(config: Any, paths: dict[str, Path], own: Path | None) -> Any:
    """The same with local files and functions named by the last part of their path alone.

    Where they lie must not change the digest.
    """
    if isinstance(config, dict):
        return {str(key): _without_paths(value, paths, own) for key, value in config.items()}
    if isinstance(config, list):
        return [_without_paths(value, paths, own) for value in config]
    import lm_eval

    roots = [f"{Path(lm_eval.__file__).parent}/"]
    if own:
        roots.append(f"{own.resolve()}/")
    if isinstance(config, str) and (config in paths or config.startswith(tuple(roots))):
        return Path(config).name
    return config


def _source(config: dict[str, Any]) -> str:
    """`allenai/ai2_arc ARC-Easy, version 1.0`; of local files their names."""
    version = (config.get("metadata") or {}).get("version", "none")
    names = sorted({path.name for path in _local_data(config)})
    if not names:
        given = [str(config.get("dataset_path", "")), config.get("dataset_name")]
        names = [name for name in given if name]
    where = " ".join(names)
    return f"{config.get('task')} ({where or 'its own data'}, version {version})"


def _unknown(name: str, known: list[str]) -> UserError:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = "`lm-eval ls tasks` lists them"
    if near:
        hint = f"did you mean {' or '.join(map(repr, near))}?"
    return UserError(f"unknown lm_eval task {name!r}; {hint}")
