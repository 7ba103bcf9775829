"""The leaderboards in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from suite.report.columns import Column, Item, columns
from suite.report.footnotes import footnotes
from suite.report.table import Row, Table
from suite.report.text import one_line


def show(tables: Sequence[Table], console: Console | None = None) -> None:
    """Print `tables`. Everything is plain text to rich: neither its markup nor escape codes act."""
    console = console or Console()
    for table in tables:
        console.print(_grid(table))
        for line in footnotes(table):
            console.print(Text(f"  {one_line(line)}", style="dim"))
        console.print()


def _grid(table: Table) -> Grid:
    shown = [column for column in columns(table) if column.group != "best"]
    grid = Grid(title=Text(one_line(table.title), style="bold"), box=box.SIMPLE_HEAD, title_justify="left")
    for column in shown:
        side = "left" if column.group == "method" else "right"
        grid.add_column(Text(one_line(f"{column.title} {column.arrow}")), justify=side)  # type: ignore[arg-type]
    for row in table.rows:
        grid.add_row(*(_text(column, row) for column in shown))
    return grid


def _text(column: Column, row: Row) -> Text:
    item: Item = column.item(row)
    text = Text(
        one_line(item.text), style="dim" if row.rank is None else "bold" if column.group == "rank" else ""
    )
    return text.append(f"\n{one_line(item.detail)}", style="dim") if item.detail else text
