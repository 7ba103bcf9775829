"""`suite list` and `suite plugins`: what is installed, and what state it is in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from suite.api.finished import FinishedModel
from suite.cli.describe import describe
from suite.cli.matrix import matrix_rows
from suite.cli.streams import say
from suite.cli.tables import plain, show_table
from suite.config import blocked, single_files
from suite.config.fields import settings_of
from suite.core.errors import UserError, unknown
from suite.registry import PluginInfo, Registry
from suite.registry.checks import SECTIONS
from suite.settings import TrainConfig

block_option = click.option(
    "--block", multiple=True, metavar="NAME", help="Do not load this plugin."
)
plugin_file_option = click.option(
    "--plugin-file",
    multiple=True,
    metavar="FILE",
    help="Load the plugin in this Python file too; may be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def registry_of(block: Iterable[str], files: Sequence[str] = ()) -> Registry:
    """Load all plugins but those blocked here or by SUITE_BLOCK, and those in single files."""
    single = files or single_files(None, {}, (), os.environ)
    return Registry.load({*block, *blocked(None, {}, (), os.environ)}, files=single)


@click.command("list")
@click.argument("name", required=False)
@plugin_file_option
@block_option
@click.option("--matrix", is_flag=True, help="Show which method runs on which benchmark.")
@json_option
def list_(
    name: str | None,
    plugin_file: tuple[str, ...],
    block: tuple[str, ...],
    matrix: bool,
    as_json: bool,
) -> None:
    """List what can be compared; with NAME, all about one.

    NAME may be a kind, too: `suite list attacks` lists the attacks alone.

    \b
    Examples:
      suite list
      suite list npo
      suite list attacks
      suite list --matrix
      suite list --json
    """
    registry = registry_of(block, plugin_file)
    if matrix and name is not None:
        raise UserError(f"--matrix shows every method; `suite list {name}` shows {name} alone")
    kinds = {"matrix": matrix_rows(registry)} if matrix else _everything(registry)
    if name in kinds:
        kinds = {name: kinds[name]}
    elif name is not None and as_json:
        kinds = {"settings": settings_rows(registry, name)}
    elif name is not None:
        for section, cls in sections_of(registry, name).items():
            describe(registry, section, cls)
        return
    if as_json:
        click.echo(json.dumps(kinds, indent=2))
        return
    _show(registry, kinds)


def _show(registry: Registry, kinds: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """A table of each kind, then the plugins that are not all right."""
    for title, table in kinds.items():
        for part in _by_family(table):
            show_table(title, part)
    for info in registry.plugins():
        if info.status in ("broken", "refused"):
            say(f"{info} is {info.status}: {info.error}", err=True)


def _everything(registry: Registry) -> dict[str, list[dict[str, Any]]]:
    """Kind -> a row for each of it."""
    kinds: dict[str, tuple[Sequence[Any], Callable[[Any, Registry], dict[str, Any]]]] = {
        "methods": (registry.methods(), _method_row),
        "benchmarks": (registry.benchmarks(), _benchmark_row),
        "engines": (registry.engines(), _row),
        "executors": (registry.executors(), _row),
        "judges": (registry.judges(), _row),
        "attacks": (registry.attacks(), _row),
    }
    found = {}
    for kind, (classes, row) in kinds.items():
        found[kind] = [row(cls, registry) for cls in classes]
    return found


@click.command()
@block_option
@json_option
def plugins(block: tuple[str, ...], as_json: bool) -> None:
    """List plugins: their origin, state and what is wrong.

    \b
    Examples:
      suite plugins
      suite plugins --block npo --json
    """
    rows = [asdict(info) for info in registry_of(block).plugins()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        show_table("plugins", [{**row, "provides": ", ".join(row["provides"])} for row in rows])


def settings_rows(registry: Registry, name: str) -> list[dict[str, Any]]:
    """Describe the settings of a method, a benchmark, an engine, a judge or an attack.

    Of a method: its own, and the training settings that it changes.
    """
    rows: list[dict[str, Any]] = []
    for section, cls in sections_of(registry, name).items():
        rows += _settings_rows(section, cls)
    return rows


def sections_of(registry: Registry, name: str) -> dict[str, Any]:
    """What is called so, by the section of its settings. UserError: nothing is.

    A judge is listed by its name, but its section is judge_NAME, and that of an attack is
    attack_NAME. An engine or a method may be called so too.
    """
    finished = [cls for cls in registry.methods() if issubclass(cls, FinishedModel)]
    known = registry.configured() | {cls.name: cls for cls in finished}
    prefixes = ("", *SECTIONS.values())
    sections = [f"{prefix}{name}" for prefix in prefixes if f"{prefix}{name}" in known]
    if not sections:
        names = [cls.name for cls in known.values()]
        raise _absence(registry, name, names)
    return {section: known[section] for section in sections}


def _settings_rows(section: str, cls: Any) -> list[dict[str, Any]]:
    # A finished model has no section: its settings stand in --methods, model:path=FOLDER.
    dot = ":" if issubclass(cls, FinishedModel) else "."
    rows = [
        {
            "setting": f"{section}{dot}{each.name}",
            "default": plain(each.default),
            "meaning": each.doc,
        }
        for each in settings_of(cls.Config).values()
    ]
    changed = getattr(cls, "train_defaults", {})
    for field, setting in settings_of(TrainConfig).items():
        if field in changed:
            default = changed[field]
            meaning = setting.doc
            rows.append({"setting": f"{section}.{field}", "default": default, "meaning": meaning})
    return rows


def _by_family(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Methods in a table for each family; other rows in one."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        parts.setdefault(row.get("family", ""), []).append(row)
    return list(parts.values())


def _absence(registry: Registry, name: str, known: Iterable[str]) -> UserError:
    for info in registry.plugins():
        if info.name == name and info.status != "ok":
            return UserError(f"{info} is {info.status}{': ' if info.error else ''}{info.error}")
    return unknown("method, benchmark, engine, judge or attack", name, known)


def _row(cls: Any, registry: Registry) -> dict[str, Any]:
    info: PluginInfo = registry.plugin_of(cls)
    doc = (cls.__doc__ or "").strip().splitlines()
    return {
        "name": cls.name,
        "what": doc[0] if doc else "",
        "from": f"{info.distribution} {info.version}",
    }


def _method_row(cls: Any, registry: Registry) -> dict[str, Any]:
    row = _row(cls, registry)
    return {"name": row.pop("name"), "family": cls.family, "roles": sorted(cls.roles), **row}


def _benchmark_row(cls: Any, registry: Registry) -> dict[str, Any]:
    row = _row(cls, registry)
    own = {
        "splits": list(cls.splits),
        "metrics": list(cls.primary),
        "starts": list(cls.starts),
        "offers": sorted(cls.provides),
    }
    return {"name": row.pop("name"), **own, **row}
