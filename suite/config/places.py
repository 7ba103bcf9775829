"""Settings that name a file or a folder.

configs/tofu.toml:   out = "../reports/tofu"    is reports/tofu, wherever the command is given
runs/x/config.toml:  data = "/data/tofu"        a run writes whole paths, so the file may be moved
results.json:        data = "tofu"              what is published names no folder of this machine
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from suite.config.fields import Setting, settings_of
from suite.registry import Registry
from suite.settings import RunConfig

SHOWN = ("model", "data", "plugin_file")
"""The run's own settings that name files, where reports show them."""


def beside(folder: Path, value: str, setting: Setting) -> str:
    """Read a path of a configuration file in `folder`; a name that is no path stays as it is."""
    assert setting.place is not None
    path = Path(value).expanduser()
    if path.is_absolute():
        return str(path)
    found = os.path.normpath(folder / path)
    if setting.place.or_name and not value.startswith("."):
        return found if value != setting.default and Path(found).exists() else value
    return found


def whole(value: Any, setting: Setting) -> Any:
    """Write a path so that it can be read from anywhere; a name that is no path stays as it is."""
    if setting.place is not None and isinstance(value, tuple):
        return tuple(whole(each, setting) for each in value)
    if setting.place is None or not isinstance(value, str) or not value:
        return value
    path = Path(value).expanduser()
    if setting.place.or_name and (value == setting.default or not path.exists()):
        return value
    return str(path.absolute())


def without_folders(config: RunConfig, registry: Registry) -> RunConfig:
    """Reduce whole paths to their last part: folders of this machine say nothing to a reader."""
    top = settings_of(RunConfig)
    own = {name: _last_part(getattr(config, name), top[name]) for name in SHOWN}
    sections = {}
    for section, values in config.sections.items():
        cls = registry.configured().get(section)
        known = settings_of(cls.Config) if cls else {}
        sections[section] = {
            name: _last_part(value, known[name]) if name in known else value
            for name, value in values.items()
        }
    return replace(config, **own, sections=sections)


def _last_part(value: Any, setting: Setting) -> Any:
    if setting.place is not None and isinstance(value, tuple):
        return tuple(_last_part(each, setting) for each in value)
    if setting.place is None or not isinstance(value, str):
        return value
    path = Path(value).expanduser()
    if not path.is_absolute():
        return value
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.name
