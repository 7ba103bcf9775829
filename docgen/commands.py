"""The help of every command, as the terminal shows it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from suite.cli import cli

WIDTH = 100


def page() -> dict[str, str]:
    """Path -> text."""
    parts = [
        "# Commands",
        "What `--help` says of each command. Every flag of `suite run` is a [setting](settings.md) "
        "too, so it may stand in a configuration file or in the environment.",
    ]
    for name, command in commands("suite", cli):
        parts += [f"## {name}", f"```text\n{help_of(name, command)}\n```"]
    return {"reference/commands.md": "\n\n".join(parts) + "\n"}


def commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and all within it, by the names that a user types."""
    yield name, command
    if isinstance(command, click.Group):
        # Of `suite` itself the built-in commands only: those of plugins that happen to be here
        # are no part of this documentation.
        context = click.Context(command)
        for inner in getattr(command, "built_in", command.commands):
            found = command.get_command(context, inner)
            if found is not None:
                yield from commands(f"{name} {inner}", found)


def help_of(name: str, command: click.Command) -> str:
    """The help text of a command at a fixed width."""
    context = click.Context(
        command,
        info_name=name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    return command.get_help(context)
