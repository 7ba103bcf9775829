"""The leaderboard: turns results.json into pages that people read.

    write(results, Path("runs/latest"), samples)   results.json, leaderboard.*, figures/
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


PAGE = "leaderboard.html"
"""What people open."""


def write(
    results: Results, out: Path, samples: Mapping[str, Sequence[Sample]] | None = None
) -> list[Path]:
    """Write results.json, leaderboards and figures into the folder `out`; return their paths.

    `samples`: the slug of each cell -> its answers, for truth ratios and answers side by side.
    Each file is written atomically. Raises UserError, before anything is written, if a number in
    `results` is not finite.
    """
    from suite.report import figures, files, page, spreadsheet
    from suite.report.pictures.attacks import draw_attacks
    from suite.report.pictures.draw import draw_pictures
    from suite.report.table import tables
    from suite.results.schema import dumps, loads
    from suite.store import atomic_write

    text = dumps(results)
    results = loads(text)  # so that a report made again from results.json has the same bytes
    rows = tables(results)
    pictures = []
    attacks = []
    for number, table in enumerate(rows, 1):
        pictures.append(draw_pictures(table, f"t{number}", samples or {}))
        attacks.append(draw_attacks(table, f"t{number}-a"))
    content: dict[str, str | bytes] = {
        "results.json": text,
        "leaderboard.json": files.as_json(results, rows),
        "leaderboard.csv": spreadsheet.as_csv(rows),
        "leaderboard.md": files.as_markdown(results, rows),
        PAGE: page.as_html(results, rows, samples or {}, pictures, attacks),
        **figures.files(rows, [[*a, *b] for a, b in zip(pictures, attacks, strict=True)]),
    }
    for name, written in content.items():
        atomic_write(out / name, written)
    return [out / name for name in content]


def terminal(results: Results, console: Console | None = None, page: Path | None = None) -> None:
    """Print the leaderboards, and where their page is."""
    from suite.report.console import show
    from suite.report.table import tables

    show(tables(results), console, page)


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
