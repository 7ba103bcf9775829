"""The `suite` command itself: built-in commands at once, those of plugins when they are needed."""

from __future__ import annotations

import os

import click

from suite.config import blocked
from suite.registry import Registry


class Commands(click.Group):
    """A group that asks the plugins for a command that it lacks, and lists theirs in its help."""

    _loaded = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Built-in commands in the order of use, then those of plugins."""
        self._load_plugins()
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command; plugins are imported only if the host has none of that name."""
        if cmd_name not in self.commands:
            self._load_plugins()
        return super().get_command(ctx, cmd_name)

    def _load_plugins(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        # The built-in plugins add no commands, so they need not be imported for the help.
        block = blocked(None, {}, (), os.environ)
        registry = Registry.load(block, built_in=False)
        self.commands.update(registry.commands(taken=self.commands))
