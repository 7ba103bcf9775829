"""Finished models among --methods: their paths, their names in the table, folders full of them.

model:path=runs/A:label=theirs      the row `theirs`
model:path=runs/A                   the row `A`
model:path=runs                     a row for each model folder in runs/
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from suite.api.finished import FinishedModel
from suite.config.check import OWN
from suite.config.specs import split_spec
from suite.core.errors import UserError
from suite.core.places import model_name
from suite.registry import Registry
from suite.settings import RunConfig

MARKS = ("config.json", "adapter_config.json")
"""A folder with one of these is a model's."""


def row_name(registry: Registry, spec: str) -> str:
    """What the table calls a method of the run; `spec` as in --methods."""
    own = _settings(registry, spec)
    if own is None or not own.get("path"):
        return spec
    return str(own.get("label") or model_name(own["path"]))


def finished_path(registry: Registry, spec: str) -> str:
    """The model that a finished model's spec names; "" if it names none."""
    return str((_settings(registry, spec) or {}).get("path", ""))


def with_folders(config: RunConfig, registry: Registry) -> tuple[str, ...]:
    """The run's methods, a folder that holds model folders replaced by these."""
    found: list[str] = []
    for spec in config.methods:
        name, variant = split_spec(registry, spec)
        folders = _model_folders(finished_path(registry, spec))
        if folders and variant.get("label"):
            raise UserError(f"method {spec!r}: label names one model, but there are {len(folders)}")
        found += [f"{name}:path={folder}" for folder in folders] or [spec]
    return tuple(found)


def check_finished(config: RunConfig, registry: Registry) -> None:
    """Refuse settings of training, and two rows of one name."""
    rows: dict[str, str] = {}
    for spec in config.methods:
        own = _settings(registry, spec)
        for field in sorted(own.keys() & OWN.keys()) if own else ():
            raise UserError(f"method {spec!r}: {field} has no effect on a finished model")
        row = row_name(registry, spec)
        if row in rows:
            raise UserError(
                f"methods {rows[row]!r} and {spec!r} would both be the row {row!r}: give each a "
                "label, e.g. model:path=FOLDER:label=NAME"
            )
        rows[row] = spec


def _settings(registry: Registry, spec: str) -> dict[str, Any] | None:
    """What a finished model's spec sets; None: another method. It has no section of its own."""
    name, variant = split_spec(registry, spec)
    return variant if issubclass(registry.method(name), FinishedModel) else None


def _model_folders(path: str) -> list[Path]:
    """The model folders within a folder that is none itself, 9 before 10."""
    folder = Path(path).expanduser()
    if not path or not folder.is_dir() or _is_model(folder):
        return []
    return sorted(filter(_is_model, folder.iterdir()), key=_natural)


def _is_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in MARKS)


def _natural(path: Path) -> list[tuple[int, str]]:
    """A key that sorts the numbers within names as numbers."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
