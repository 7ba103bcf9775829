"""Tables in the terminal that stay readable at 80 columns.

What all rows share stands once, below the title. A table that would have to break words is shown
as a list of its rows instead:

    name tofu
      splits   forget10, forget05, forget01
      what     TOFU on its published tables, ...
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from suite.report.text import visible

Row = Mapping[str, Any]
PROSE = 16
"""Columns of text get at least this width, or sentences become towers."""
GAP = 3
"""Spaces between columns."""
IN_A_FILE = 160
"""Characters of a line where nobody's terminal sets the width."""


def show_table(title: str, rows: Sequence[Row], console: Console | None = None) -> None:
    """Print rows as a table; whatever plugins say is shown as plain text."""
    console = console or Console(width=_width())
    console.print(Text(visible(title), style="bold"))
    if not rows:
        console.print("  none\n")
        return
    shared = _shared(rows)
    if shared:
        said = "; ".join(f"{name}: {text}" for name, text in shared.items() if text)
        console.print(Text(f"  {said}" if said else "", style="dim"))
    texts = [{name: _text(row[name]) for name in row if name not in shared} for row in rows]
    widths = _widths(texts, console.width - GAP * len(texts[0]))
    if widths is None:
        _show_records(texts, console)
    else:
        console.print(_table(texts, widths))


def plain(value: Any) -> str:
    """Write a value of a row."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _text(value: Any) -> str:
    return visible(plain(value))


def _width() -> int | None:
    """None: as wide as the terminal, or as COLUMNS says."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else IN_A_FILE


def _shared(rows: Sequence[Row]) -> dict[str, str]:
    """The columns, but for the first, that say the same in every one of several rows."""
    if len(rows) < 2:
        return {}
    found = {}
    for name in list(rows[0])[1:]:
        values = {_text(row[name]) for row in rows}
        if len(values) == 1:
            found[visible(name)] = values.pop()
    return found


def _widths(rows: Sequence[Mapping[str, str]], total: int) -> list[int] | None:
    """The width of each column, none less than its longest word; None: there is no room for that.

    rich alone would cut words. What is left over is shared by the columns that want more.
    """
    least, wanted = [], []
    for name in rows[0]:
        texts = [name, *(row[name] for row in rows)]
        words = [len(word) for text in texts for word in text.split()]
        wanted.append(max(map(len, texts)))
        least.append(max(min(PROSE, wanted[-1]), *words))
    spare = total - sum(least)
    if spare < 0:
        return None
    widths = list(least)
    modest = sorted(range(len(least)), key=lambda column: wanted[column] - least[column])
    for waiting, column in zip(range(len(least), 0, -1), modest, strict=True):
        more = min(wanted[column] - least[column], spare // waiting)
        widths[column] += more
        spare -= more
    return widths


def _table(rows: Sequence[Mapping[str, str]], widths: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, width in zip(rows[0], widths, strict=True):
        table.add_column(Text(visible(name)), overflow="fold", width=width)
    for row in rows:
        table.add_row(*map(Text, row.values()))
    return table


def _show_records(rows: Sequence[Mapping[str, str]], console: Console) -> None:
    """Print each row as its name and a line for everything that is said of it."""
    for row in rows:
        name, *others = row
        console.print(Text.assemble((f"{visible(name)} ", "dim"), (row[name], "bold")))
        grid = Table.grid(padding=(0, 3, 0, 0))
        grid.add_column()
        grid.add_column(overflow="fold")
        for other in others:
            if row[other]:
                grid.add_row(Text(visible(other), style="dim"), Text(row[other]))
        console.print(Padding(grid, (0, 0, 0, 2)))
    console.print()
