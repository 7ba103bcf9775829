"""`suite check`: whether a plugin keeps the rules that the host relies on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from suite.cli.installed import (
    block_option,
    json_option,
    plugin_file_option,
    registry_of,
)
from suite.cli.streams import say
from suite.cli.tables import show_table
from suite.config.check import convert
from suite.config.fields import settings_of
from suite.config.layers import from_sets
from suite.core.errors import UserError, unknown
from suite.registry.checks import JUDGE_SECTION

if TYPE_CHECKING:
    from suite.registry import Registry
    from suite.testing import Report

KINDS = ("method", "benchmark", "engine", "judge")


@click.command()
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(KINDS), help="What NAME is, where several things have that name."
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="NAME.FIELD=VALUE",
    help="A setting to check it with; may be repeated.",
)
@plugin_file_option
@block_option
@json_option
def check(
    name: str,
    kind: str | None,
    sets: tuple[str, ...],
    plugin_file: tuple[str, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> int:
    """Check that a plugin keeps the rules of the host.

    It runs on a model of a few thousand random weights and takes seconds. Exit status 1: a rule is
    broken. docs/conformance.md explains every rule; `suite.testing` has the same for pytest.

    \b
    Examples:
      suite check npo
      suite check my_method --plugin-file my_method.py
      suite check pdu --set pdu.epsilon=2
    """
    from suite.testing import report

    registry = registry_of(block, plugin_file)
    found = [
        report(each, cls, **_settings(cls, each, sets))
        for each, cls in _named(registry, name, kind)
    ]
    if as_json:
        click.echo(json.dumps([_as_json(each) for each in found], indent=1))
    else:
        for each in found:
            _show(each)
    return 1 if any(each.broken for each in found) else 0


def _named(registry: Registry, name: str, kind: str | None) -> list[tuple[str, type[Any]]]:
    """Everything of that name. UserError: there is nothing, or its plugin is broken."""
    offers: dict[str, Sequence[type[Any]]] = {
        "method": registry.methods(),
        "benchmark": registry.benchmarks(),
        "engine": registry.engines(),
        "judge": registry.judges(),
    }
    kinds = KINDS if kind is None else (kind,)
    found = [(each, cls) for each in kinds for cls in offers[each] if cls.name == name]
    if found:
        return found
    for info in registry.plugins():
        if info.name == name and info.status != "ok":
            raise UserError(f"{info} is {info.status}{': ' if info.error else ''}{info.error}")
    known = [cls.name for each in kinds for cls in offers[each]]
    raise unknown(kind or "method, benchmark, engine or judge", name, known)


def _settings(cls: type[Any], kind: str, sets: Sequence[str]) -> dict[str, Any]:
    """The settings of `--set`, as their types."""
    section = f"{JUDGE_SECTION}{cls.name}" if kind == "judge" else cls.name
    known = settings_of(cls.Config)
    found: dict[str, Any] = {}
    for given in from_sets(sets):
        if given.section != section or given.field not in known:
            names = [f"{section}.{field}" for field in known]
            raise UserError(f"--set: {unknown('setting', given.name, names)}")
        found[given.field] = convert(known[given.field], given)
    return found


def _show(report: Report) -> None:
    """One row for each rule, then what is wrong."""
    rows = [
        {"rule": each.rule.name, "state": each.state, "promise": each.rule.promise}
        for each in report.outcomes
    ]
    show_table(report.subject, rows)
    for outcome in report.outcomes:
        if outcome.state == "does not apply":
            say(f"{outcome.rule.name} does not apply: {outcome.seen}")
    for outcome in report.broken:
        click.echo()
        for line in str(outcome).splitlines():
            say(line)
    kept = sum(outcome.state == "ok" for outcome in report.outcomes)
    click.echo()
    say(f"{report.subject}: {kept} rules kept, {len(report.broken)} broken")


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "subject": report.subject,
        "rules": [
            {
                "rule": each.rule.name,
                "state": each.state,
                "seen": each.seen,
                "expected": each.expected,
                "read": each.rule.read,
            }
            for each in report.outcomes
        ],
    }
