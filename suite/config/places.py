"""Settings that name a file or a folder.

configs/tofu.toml:   out = "../reports/tofu"    is reports/tofu, wherever the command is given
runs/x/config.toml:  data = "/data/tofu"        a run writes whole paths, so the file may be moved
results.json:        data = "tofu"              what is published names no folder of this machine
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from suite.config.fields import Setting, settings_of
from suite.core.places import StartModels
from suite.registry import Registry
from suite.settings import RunConfig

Change = Callable[[str, Setting], str]
"""Writes a path, given with its setting, in another way."""
SHOWN = ("model", "data", "plugin_file")
"""The run's own settings that name files, where reports show them."""
START = Setting("start", StartModels, (), "")


def beside(folder: Path, value: str, setting: Setting) -> str:
    """Read a path of a configuration file in `folder`; a name that is no path stays as it is."""
    assert setting.place is not None
    if value in setting.place.words:
        return value
    path = Path(value).expanduser()
    if path.is_absolute():
        return str(path)
    found = os.path.normpath(folder / path)
    if setting.place.or_name and not value.startswith("."):
        return found if value != setting.default and Path(found).exists() else value
    return found


def whole(value: Any, setting: Setting) -> Any:
    """Write a path so that it can be read from anywhere; a name that is no path stays as it is."""
    if setting.place is None or not value:
        return value
    return each_path(value, partial(_whole, setting=setting))


def each_path(value: Any, change: Callable[[str], str]) -> Any:
    """Change a path, or every path of a list; anything else stays as it is."""
    if isinstance(value, tuple):
        return tuple(map(change, value))
    return change(value) if isinstance(value, str) else value


def _whole(value: str, setting: Setting) -> str:
    assert setting.place is not None
    path = Path(value).expanduser()
    is_name = value == setting.default or value in setting.place.words or not path.exists()
    return value if setting.place.or_name and is_name else str(path.absolute())


def without_folders(config: RunConfig, registry: Registry) -> RunConfig:
    """Reduce whole paths to their last part: folders of this machine say nothing to a reader."""
    return _changed(config, registry, _short)


def elsewhere(config: RunConfig, registry: Registry) -> tuple[str, ...]:
    """The last parts of the whole paths that lie outside the working directory.

    There a command that names them so does not find them.
    """
    found: dict[str, None] = {}

    def note(value: str, setting: Setting) -> str:
        path = Path(value).expanduser()
        if path.is_absolute() and not path.is_relative_to(Path.cwd()):
            found[path.name] = None
        return value

    _changed(config, registry, note)
    return tuple(found)


def _changed(config: RunConfig, registry: Registry, change: Change) -> RunConfig:
    """The settings with every path changed."""
    top = settings_of(RunConfig)
    own = {name: _each(getattr(config, name), top[name], change) for name in SHOWN}
    own["methods"] = tuple(with_paths(registry, spec, change) for spec in config.methods)
    start = {name: _each(models, START, change) for name, models in config.start.items()}
    sections: dict[str, Any] = {}
    for section, values in config.sections.items():
        cls = registry.configured().get(section)
        known = settings_of(cls.Config) if cls else {}
        changed = dict(values)
        for name, value in values.items():
            if name in known:
                changed[name] = _each(value, known[name], change)
        sections[section] = changed
    if "start" in sections:
        sections["start"] = start
    return replace(config, **own, start=start, sections=sections)


def with_paths(registry: Registry, spec: str, change: Callable[[str, Setting], str]) -> str:
    """Change the paths in a method's spec, as in --methods: `model:path=runs/A:label=theirs`."""
    name, *items = spec.split(":")
    known = {method.name: method for method in registry.methods()}
    settings = settings_of(known[name].Config) if name in known else {}
    words = [name]
    for item in items:
        field, equals, value = item.partition("=")
        is_path = field in settings and settings[field].place is not None
        words.append(f"{field}={change(value, settings[field])}" if is_path and equals else item)
    return ":".join(words)


def _each(value: Any, setting: Setting, change: Change) -> Any:
    if setting.place is None:
        return value
    return each_path(value, lambda each: change(each, setting))


def _short(value: str, setting: Setting) -> str:
    path = Path(value).expanduser()
    if not path.is_absolute():
        return value
    here = Path.cwd()
    short = str(path.relative_to(here)) if path.is_relative_to(here) else path.name
    assert setting.place is not None
    # A folder may be called as the embedded model is, or as a hub id.
    is_name = setting.place.or_name and (short == setting.default or short.count("/") == 1)
    return f"./{short}" if is_name or short in setting.place.words else short
