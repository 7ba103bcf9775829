"""The leaderboards in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from suite.report.columns import Column, columns
from suite.report.footnotes import apart, partial
from suite.report.numbers import MISSING, listed
from suite.report.table import Row, Table
from suite.report.text import one_line


def show(tables: Sequence[Table], console: Console | None = None) -> None:
    """Print `tables`. Everything is plain text to rich: neither its markup nor escape codes act."""
    console = console or Console()
    for table in tables:
        console.print(_fitting(table, console))
        for row in table.rows:
            for mark in row.marks:
                name = (f"  {one_line(row.method)} ", "bold")
                console.print(Text.assemble(name, (one_line(mark), "yellow")))
        ranking = [] if table.all_partial else [_ranking(table)]
        for note in [*apart(table), *partial(table), *ranking]:
            console.print(Text(f"  {one_line(note)}", style="dim"))
        console.print()


def _fitting(table: Table, console: Console) -> Grid:
    """As many headline metrics as the terminal has room for; the files have all of them."""
    shown = [
        column for column in columns(table) if column.group in ("rank", "method", "metric", "size")
    ]
    unlimited = console.options.update(max_width=10_000)
    metrics = [column for column in shown if column.group == "metric"]

    def too_wide() -> bool:
        return Measurement.get(console, unlimited, _grid(table, shown)).maximum > console.width

    while len(metrics) > 2 and too_wide():
        shown.remove(metrics.pop())
    if too_wide():
        shown = [column for column in shown if column.group != "size"]
    return _grid(table, shown, wrap=too_wide())


def _grid(table: Table, shown: Sequence[Column], wrap: bool = False) -> Grid:
    """`wrap`: rather break a number over two lines than lose its end."""
    title = Text(one_line(table.title), style="bold")
    grid = Grid(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in shown:
        head = Text(one_line(f"{column.title.replace('_', ' ')} {column.arrow}"))
        side: Literal["left", "right"] = "left" if column.group in ("rank", "method") else "right"
        narrow = wrap or (
            column.group == "method" and any(len(row.method) > 24 for row in table.rows)
        )
        width = 13 if column.group == "method" else 5
        grid.add_column(head, justify=side, overflow="fold", min_width=width, no_wrap=not narrow)
    for row in table.rows:
        grid.add_row(*(_text(column, row) for column in shown))
    return grid


def _text(column: Column, row: Row) -> Text:
    """Show an item, its detail on a second line; the reasons in the method's detail stand under the table."""
    item = column.item(row)
    style = "dim" if row.rank is None else "bold" if column.group in ("rank", "method") else ""
    text = Text(one_line(item.text), style=style)
    shown = (
        column.group in ("rank", "metric") and item.text != MISSING
    )  # why a number is missing stands below
    for detail in filter(None, (item.detail, *item.more) if shown else ()):
        text.append(f"\n{one_line(detail)}", style="dim")
    return text


def _ranking(table: Table) -> str:
    if not table.axes:
        return "not ranked: no headline metric says which direction is better"
    if not any(row.rank for row in table.rows):
        return "nothing is ranked"
    front = (
        "; front: no other method is as good on all and better on one"
        if len(table.axes) > 1
        else ""
    )
    return f"ranked by {listed(table.axes)}{front}; = marks a tie"
