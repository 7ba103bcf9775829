"""The leaderboards in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from suite.report.columns import Column, columns
from suite.report.footnotes import apart, partial
from suite.report.numbers import MISSING, listed
from suite.report.outcome import describe_outcome
from suite.report.table import Row, Table
from suite.report.text import one_line

SHOWN = ("rank", "method", "metric", "size")
"""The groups of columns that the terminal shows; the written files have all."""

LONG_NAME = 24
"""Characters of a method's name, above which names are broken into lines."""


def show(tables: Sequence[Table], console: Console | None = None, page: Path | None = None) -> None:
    """Print `tables`, each with its outcome in a sentence or two, and at the end where the page is.

    Everything is passed to rich as plain text, so neither markup nor escape codes take effect.
    """
    console = console or Console()
    for table in tables:
        console.print(_fit_grid(table, console))
        for row in table.rows:
            for mark in row.marks:
                name = (f"  {one_line(row.method)} ", "bold")
                console.print(Text.assemble(name, (one_line(mark), "yellow")))
        notes = [*_explain_metrics(table), *apart(table), *partial(table)]
        if not table.all_partial:  # else the note on what is partial says that nothing is ranked
            notes.append(_explain_ranks(table))
        for note in notes:
            console.print(Text(f"  {one_line(note)}", style="dim"))
        outcome = " ".join(describe_outcome(table))
        console.print(Text(f"  {one_line(outcome)}", style="bold"))
        console.print()
    if page is not None:
        # On a line of its own and never broken, so that a terminal can open it.
        console.print(Text(f"Page: {page}"), soft_wrap=True)


def _fit_grid(table: Table, console: Console) -> Grid:
    """Show as many headline metrics as fit into the terminal, at least two; the files have all."""
    shown = [column for column in columns(table) if column.group in SHOWN]
    metrics = [column for column in shown if column.group == "metric"]
    unlimited = console.options.update(max_width=10_000)

    def is_too_wide() -> bool:
        return (
            Measurement.get(console, unlimited, _build_grid(table, shown)).maximum > console.width
        )

    while len(metrics) > 2 and is_too_wide():
        shown.remove(metrics.pop())
    if is_too_wide():
        shown = [column for column in shown if column.group != "size"]
    return _build_grid(table, shown, wrap=is_too_wide())


def _build_grid(table: Table, shown: Sequence[Column], wrap: bool = False) -> Grid:
    """Build the grid; `wrap`: break a number over two lines, so that its end is not lost."""
    title = Text(one_line(table.title), style="bold")
    grid = Grid(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    has_long_name = any(len(row.method) > LONG_NAME for row in table.rows)
    for column in shown:
        head = Text(one_line(f"{column.title.replace('_', ' ')} {column.arrow}"))
        side: Literal["left", "right"] = "left" if column.group in ("rank", "method") else "right"
        may_break = wrap or (column.group == "method" and has_long_name)
        width = 13 if column.group == "method" else 5
        grid.add_column(head, justify=side, overflow="fold", min_width=width, no_wrap=not may_break)
    for row in table.rows:
        grid.add_row(*(_show_item(column, row) for column in shown))
    return grid


def _show_item(column: Column, row: Row) -> Text:
    """Show an item, with its details on further lines."""
    item = column.item(row)
    style = ""
    if row.rank is None:
        style = "dim"
    elif column.group in ("rank", "method"):
        style = "bold"
    text = Text(one_line(item.text), style=style)
    # Why a number is missing, and a method's marks, stand below the table: they are too long.
    if column.group in ("rank", "metric") and item.text != MISSING:
        for detail in filter(None, (item.detail, *item.more)):
            text.append(f"\n{one_line(detail)}", style="dim")
    return text


def _explain_metrics(table: Table) -> Iterator[str]:
    """What the numbers of the headline metrics are, and in what unit."""
    for name in table.primary:
        if meaning := table.meaning(name):
            yield f"{table.heading(name).replace('_', ' ')}: {meaning}"


def _explain_ranks(table: Table) -> str:
    if not table.axes:
        return "not ranked: no headline metric defines which direction is better"
    if not table.ranked:
        return "nothing is ranked"
    front = ""
    if len(table.axes) > 1:
        front = "; front: no other method is at least as good on every metric and better on one"
    by = listed([table.heading(name) for name in table.axes])
    return f"ranked by {by}{front}; 1–3: ranks that the tests leave open"
