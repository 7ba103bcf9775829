"""The layers of a configuration, each read as a list of `Given`: setting, value, where it is from.

Precedence: defaults < the benchmark's protocol < file < SUITE_* environment < flags < --set.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suite.config.fields import settings_of
from suite.config.parse import parse
from suite.core.errors import UserError
from suite.settings import RunConfig

TABLES = ("finetune", "start", "train", "sections")
TOP = {name: setting for name, setting in settings_of(RunConfig).items() if name not in TABLES}


@dataclass(frozen=True)
class Given:
    """A value that the user (or a plugin) gave."""

    section: str
    """"" for the run itself; otherwise finetune, train, or the name of a method or benchmark."""
    field: str
    value: Any
    source: str
    """What to name when the value is wrong: a file, an environment variable, a flag."""
    text: bool = False
    """Whether `value` is text that still has to be read as the setting's type."""
    folder: Path | None = None
    """Where the file lies that gives it: relative paths are relative to this."""

    @property
    def name(self) -> str:
        """`section.field`."""
        return f"{self.section}.{self.field}" if self.section else self.field


def layers(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any], sets: Sequence[str]
) -> list[Given]:
    """Read everything that the user gave; later entries win."""
    found = from_file(file) if file else []
    return [*found, *from_environment(environ), *from_flags(flags), *from_sets(sets)]


def from_file(path: Path) -> list[Given]:
    """Read a TOML or YAML file. UserError names the file and the line of a syntax error."""
    content = parse(path)
    if not isinstance(content, dict):
        raise UserError(
            f"{path}: expected settings by name at the top, not {type(content).__name__}"
        )
    return [replace(given, folder=path.parent) for given in from_mapping(content, str(path))]


def from_mapping(content: Mapping[str, Any], source: str) -> Iterator[Given]:
    """Read nested settings: section -> field -> value, the run's own fields at the top."""
    for name, value in content.items():
        if not isinstance(value, dict):
            yield Given("", str(name), value, source)
        for field, inner in value.items() if isinstance(value, dict) else ():
            yield Given(str(name), str(field), inner, source)


def from_environment(environ: Mapping[str, str]) -> Iterator[Given]:
    """Read SUITE_MODEL and, with two underscores between section and field, SUITE_TRAIN__LR.

    Variables that resemble no setting are somebody else's. One that nearly names a setting is
    refused.
    """
    for variable, value in sorted(environ.items()):
        if not variable.startswith("SUITE_") or not value:
            continue
        section, double, field = variable.removeprefix("SUITE_").lower().partition("__")
        if double:
            yield Given(section, field, value, variable, text=True)
        elif section in TOP:
            yield Given("", section, value, variable, text=True)
        elif near := difflib.get_close_matches(section, TOP, n=1, cutoff=0.75):
            raise UserError(
                f"environment: unknown {variable}; did you mean SUITE_{near[0].upper()}?"
            )


def from_flags(flags: Mapping[str, Any]) -> Iterator[Given]:
    """Read the flags that were given; None stands for one that was not."""
    yield from _starts(flags.get("start") or ())
    for name, value in flags.items():
        if value is not None and name != "start":
            flag = f"--{name.replace('_', '-')}"
            yield Given("", name, value, flag, text=isinstance(value, str))


def _starts(items: Iterable[str]) -> Iterator[Given]:
    """Read `--start name=model`; a name that is given again has several models."""
    found: dict[str, list[str]] = {}
    for item in items:
        name, equals, model = item.partition("=")
        if not equals:
            raise UserError(f"--start {item}: expected NAME=MODEL, e.g. --start target=FOLDER")
        found.setdefault(name.strip(), []).append(model.strip())
    for name, models in found.items():
        yield Given("start", name, models, "--start")


def from_sets(sets: Iterable[str]) -> Iterator[Given]:
    """Read `section.field=value` (or `field=value`)."""
    for item in sets:
        name, equals, value = item.partition("=")
        section, _, field = name.strip().rpartition(".")
        if not (equals and field):
            raise UserError(f"--set {item}: expected section.field=value, e.g. --set npo.beta=0.05")
        yield Given(section, field, value.strip(), "--set", text=True)
