"""The leaderboard: from results.json to pages that people read. Importing this package is light.

    write(results, Path("runs/latest"), samples)   results.json, leaderboard.{md,csv,json,html}
    terminal(results)                               the same tables in the terminal
    merge([results_a, results_b])                   several runs side by side, if they can be compared

The same results give the same bytes. Whatever a model wrote is shown, and can do nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from suite.results.samples import Sample
    from suite.results.schema import Results


def write(
    results: Results, out: Path, samples: Mapping[str, Sequence[Sample]] | None = None
) -> list[Path]:
    """Write results.json and the leaderboards into `out`, each file in one step; return their paths.

    `samples`: each cell's slug -> its answers, for truth ratios and answers side by side.
    Raises UserError, before anything is written, if a number in `results` is not finite.
    """
    from suite.report import files, page, spreadsheet
    from suite.report.table import tables
    from suite.results.schema import dumps, loads
    from suite.store import atomic_write

    text = dumps(results)
    results = loads(text)
    rows = tables(results)
    content = {
        "results.json": text,
        "leaderboard.json": files.as_json(results, rows),
        "leaderboard.csv": spreadsheet.as_csv(rows),
        "leaderboard.md": files.as_markdown(results, rows),
        "leaderboard.html": page.as_html(results, rows, samples or {}),
    }
    for name, written in content.items():
        atomic_write(out / name, written)
    return [out / name for name in content]


def terminal(results: Results, console: Console | None = None) -> None:
    """Print the leaderboards."""
    from suite.report.console import show
    from suite.report.table import tables

    show(tables(results), console)


def merge(
    runs: Sequence[Results], samples: Mapping[str, Sequence[Sample]] | None = None
) -> Results:
    """Join several runs into one. Raises UserError if they cannot be compared.

    `samples`: each cell's slug -> its answers, from which methods of different runs are compared item by item.
    """
    from suite.report.merging import merged

    return merged(runs, samples)


def separate(runs: Sequence[Results], names: Sequence[str]) -> list[Results]:
    """Mark what `merge` would refuse, so that it goes into tables and rows of its own."""
    from suite.report.merging import separated

    return separated(runs, names)
