"""The `suite` command itself: each built-in command is imported when it is called, those of plugins
when they are needed."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from typing import Any

import click

OWN, GROUP = "suite-compare", "suite"
"""The host's distribution, and the group of entry points of plugins."""


class Commands(click.Group):
    """A group that asks the plugins for a command that it lacks, and lists theirs in its help.

    built_in: name -> ("module:command", what it does in a line). To import all of them would take
    most of the time of `suite --help`.
    """

    def __init__(self, *given: Any, built_in: Mapping[str, tuple[str, str]], **named: Any) -> None:
        super().__init__(*given, **named)
        self.built_in = built_in
        self._plugins_loaded = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Built-in commands in the order of use, then those of plugins."""
        self._load_plugins()
        return list(dict.fromkeys([*self.built_in, *self.commands]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command; plugins are imported only if the host has none of that name."""
        if cmd_name in self.built_in:
            return self._imported(cmd_name)
        self._load_plugins()
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands in the help without importing those of the host."""
        names = self.list_commands(ctx)
        room = formatter.width - 6 - max(map(len, names))
        rows = []
        for name in names:
            if name in self.built_in:
                rows.append((name, self.built_in[name][1]))
            else:
                rows.append((name, self.commands[name].get_short_help_str(room)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _imported(self, name: str) -> click.Command:
        if name not in self.commands:
            module, _, attribute = self.built_in[name][0].partition(":")
            self.commands[name] = getattr(importlib.import_module(module), attribute)
        return self.commands[name]

    def _load_plugins(self) -> None:
        if self._plugins_loaded:
            return
        self._plugins_loaded = True
        # The built-in plugins add no commands, so they need not be imported for the help.
        if not _has_others():
            return
        from suite.config import blocked
        from suite.registry import Registry

        registry = Registry.load(blocked(None, {}, (), os.environ), built_in=False)
        self.commands.update(registry.commands(taken=self.built_in))


def _has_others() -> bool:
    """Whether other distributions than the host's have plugins."""
    try:
        own = {*distribution(OWN).entry_points}
    except PackageNotFoundError:
        own = set()
    return not own.issuperset(entry_points(group=GROUP))
