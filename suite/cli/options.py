"""Flags of `run`, `plan` and `config show`, made from RunConfig: one source for flag and file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from suite.config import blocked, resolve, single_files
from suite.config.fields import Setting, settings_of
from suite.config.layers import TOP
from suite.registry import Registry
from suite.settings import RunConfig

Command = TypeVar("Command", bound=Callable[..., Any])


def run_options(command: Command) -> Command:
    """Add --config, --set and a flag for each of RunConfig's fields."""
    for option in reversed([*map(_flag, TOP.values()), _START, *_FILE_AND_SETS]):
        command = option(command)
    return command


def load(
    file: Path | None,
    sets: tuple[str, ...],
    flags: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
) -> tuple[RunConfig, Registry]:
    """Load the plugins, and resolve the configuration with them."""
    files = single_files(file, flags, sets, environ)
    registry = Registry.load(blocked(file, flags, sets, environ), files=files)
    return resolve(registry, file, flags, sets, environ), registry


_START = click.option(
    "--start",
    multiple=True,
    metavar="NAME=MODEL",
    help=settings_of(RunConfig)["start"].doc,
)
_FILE_AND_SETS = (
    click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path),
        help="TOML or YAML file with these settings, and sections for the rest; flags override it.",
    ),
    click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="SECTION.FIELD=VALUE",
        help="Any setting, e.g. train.lr=1e-5 or npo.beta=0.05; may be repeated; overrides flags. "
        "`suite list NAME` shows the settings of a method or benchmark.",
    ),
)


def _flag(setting: Setting) -> Callable[[Command], Command]:
    name = f"--{setting.name.replace('_', '-')}"
    if setting.bare is bool:
        return click.option(f"{name}/--no-{name[2:]}", setting.name, default=None, help=setting.doc)
    if setting.is_list and setting.place is not None:  # a file's name may hold a comma
        return click.option(
            name, setting.name, multiple=True, metavar="FILE", callback=_given, help=setting.doc
        )
    default = ",".join(map(str, setting.default)) if setting.is_list else setting.default
    shown = "" if default in (None, "") else f"  [default: {default}]"
    return click.option(name, setting.name, metavar=setting.metavar, help=setting.doc + shown)


def _given(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> Any:
    """None for a flag that may be repeated and was not given."""
    return value or None
