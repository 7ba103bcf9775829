"""A command of its own, and an observer that counts cells."""

from __future__ import annotations

import click

from suite import Cell, hookimpl

FINISHED: list[Cell] = []


@click.command()
def capitals() -> None:
    """Print the countries of the benchmark."""
    from .benchmark import CAPITALS

    click.echo(", ".join(CAPITALS))


@hookimpl
def suite_commands(cli: click.Group) -> None:
    """Add `suite capitals`."""
    cli.add_command(capitals)


@hookimpl
def suite_cell_finished(cell: Cell) -> None:
    """Remember the cell; the result is not needed."""
    FINISHED.append(cell)
