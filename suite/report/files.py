"""leaderboard.json and leaderboard.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from suite.api.cells import CellResult
from suite.report import robustness
from suite.report.columns import Item, columns
from suite.report.footnotes import footnotes
from suite.report.outcome import describe_outcome
from suite.report.pairs import HEADERS, pairs
from suite.report.provenance import commands, deviations, provenance
from suite.report.spreadsheet import UNITS
from suite.report.table import Row, Table
from suite.report.text import markdown, one_line
from suite.results.schema import Results

LONGEST = 60
"""The Markdown file lists at most this many pairs of methods."""


def as_json(results: Results, tables: Sequence[Table]) -> str:
    """Render the tables as JSON: for each row the means over seeds, and each seed."""
    content = {
        "schema_version": results.schema_version,
        "command": results.run.command,
        "tables": [_json_table(table) for table in tables],
    }
    return json.dumps(content, allow_nan=False, indent=1) + "\n"


def _json_table(table: Table) -> dict[str, Any]:
    content = asdict(table.comparison)
    volume = table.front_volume
    content["front_hypervolume"] = asdict(volume) if volume else None
    # The footnotes replace the notes of the comparison; they come after its other fields.
    del content["notes"]
    del content["outputs"]  # how the numbers are shown, not a number
    content["notes"] = footnotes(table)
    content["rows"] = [_json_row(row) for row in table.rows]
    return content


def _json_row(row: Row) -> dict[str, Any]:
    return {
        "method": row.method,
        "family": row.family,
        "state": row.state,
        "marks": row.marks,
        "rank": row.rank.place if row.rank else None,
        "tied": bool(row.rank and row.rank.tied),
        "front": bool(row.rank and row.rank.front),
        "metrics": _as_dicts(row.values.values()),
        "minus_baseline": _as_dicts(row.deltas.values()),
        "overall": asdict(row.overall) if row.overall else None,
        "best_epoch": row.best_epochs,
        "best": _as_dicts(row.best.values()),
        "train_seconds": row.train_seconds,
        "training": {name: row.spent(name) for name in UNITS},
        "seeds": [_json_seed(result) for result in row.cells],
    }


def _json_seed(result: CellResult) -> dict[str, Any]:
    return {
        "start_seed": result.cell.start_seed,
        "seed": result.cell.seed,
        "status": result.status,
        "partial": result.partial,
        "metrics": _as_dicts(result.metrics),
    }


def _as_dicts(objects: Iterable[Any]) -> list[dict[str, Any]]:
    return [asdict(each) for each in objects]


def as_markdown(results: Results, tables: Sequence[Table]) -> str:
    """Render the leaderboards as Markdown tables."""
    lines = ["# Leaderboard", ""]
    for table in tables:
        lines += [
            f"## {markdown(table.title)}",
            "",
            markdown(" ".join(describe_outcome(table))),
            "",
        ]
        lines += [*_markdown_table(table), ""]
        lines += _markdown_list(footnotes(table))
        lines += ["", *_markdown_attacks(table), *_markdown_pairs(table)]
    lines += ["## What was run", ""]
    for name, value in provenance(results):
        lines.append(f"- {markdown(name)}: {markdown(value)}")
    lines += _markdown_list(deviations(results))
    lines += ["", "To reproduce these results, run:", ""]
    for command in commands(results.run):
        lines.append(f"    {one_line(command)}")  # indented by four: a block of code
    return "\n".join(lines) + "\n"


def _markdown_table(table: Table) -> Iterator[str]:
    shown = columns(table)
    yield _markdown_row(markdown(f"{column.title} {column.arrow}".strip()) for column in shown)
    sides = (" :-- " if column.group == "method" else " --: " for column in shown)
    yield f"|{'|'.join(sides)}|"
    for row in table.rows:
        yield _markdown_row(_markdown_item(column.item(row)) for column in shown)


def _markdown_pairs(table: Table) -> Iterator[str]:
    found = pairs(table)
    if len(found) > LONGEST:
        yield (
            f"The {len(found)} comparisons of pairs of methods are in leaderboard.html and "
            "leaderboard.csv."
        )
        yield ""
    elif found:
        yield from ("### Every pair of methods", "")
        yield _markdown_row(HEADERS)
        yield "| :-- | :-- | :-- | --: | --: | --: | :-- |"
        for pair in found:
            yield _markdown_row(map(markdown, pair.cells))
        yield ""


def _markdown_attacks(table: Table) -> Iterator[str]:
    found = robustness.lines(table)
    if not found:
        return
    yield from ("### Under attack", "")
    yield _markdown_row(robustness.HEADERS)
    yield "| :-- | :-- | --: | --: | --: | --: |"
    for line in found:
        method, attack, *numbers = map(markdown, line.cells)
        yield _markdown_row([method, f"{attack}{' (worst)' if line.worst else ''}", *numbers])
    yield ""
    yield from _markdown_list(robustness.sentences(table))
    yield ""


def _markdown_list(notes: Iterable[str]) -> Iterator[str]:
    for note in notes:
        yield f"- {markdown(note)}"


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_item(item: Item) -> str:
    lines = [markdown(item.text)]
    for detail in (item.detail, ", ".join(item.more)):
        if detail:
            lines.append(f"<sub>{markdown(detail)}</sub>")
    return "<br>".join(lines)
