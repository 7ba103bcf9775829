"""The leaderboard: turns results.json into pages that people read.

    write(results, Path("runs/latest"), samples)   results.json, leaderboard.{md,csv,json,html}
    terminal(results)                              prints the same tables
    merge([results_a, results_b])                  joins several runs, if they can be compared

The same results give the same bytes. Text that a model wrote is shown, but never interpreted as
markup, script, formula or escape code. Importing this package loads no large library.
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
    """Write results.json and the leaderboards into the folder `out`; return their paths.

    `samples`: the slug of each cell -> its answers, for truth ratios and answers side by side.
    Each file is written atomically. Raises UserError, before anything is written, if a number in
    `results` is not finite.
    """
    from suite.report import files, page, spreadsheet
    from suite.report.table import tables
    from suite.results.schema import dumps, loads
    from suite.store import atomic_write

    text = dumps(results)
    results = loads(text)  # so that a report made again from results.json has the same bytes
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
    runs: Sequence[Results],
    samples: Mapping[str, Sequence[Sample]] | None = None,
    names: Sequence[str] = (),
) -> Results:
    """Join several runs into one. Raises UserError if they cannot be compared: it says which
    setting differs.

    `samples`: the slug of each cell -> its answers, which are needed to compare methods of
    different runs item by item. `names`: what to call the runs.
    """
    from suite.report.merging import merged

    return merged(runs, samples, names)


def separate(runs: Sequence[Results], names: Sequence[str]) -> list[Results]:
    """Rename what `merge` would refuse, so that it gets tables and rows of its own.

    `names`: what to call the runs.
    """
    from suite.report.merging import separated

    return separated(runs, names)
