"""leaderboard.json and leaderboard.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from suite.report.columns import Item, columns
from suite.report.footnotes import commands, deviations, footnotes, provenance
from suite.report.pairs import HEADERS, pairs
from suite.report.spreadsheet import UNITS
from suite.report.table import Row, Table
from suite.report.text import markdown, one_line
from suite.results.schema import Results

LONGEST = 60
"""Pairs of methods that the Markdown file lists."""


def as_json(results: Results, tables: Sequence[Table]) -> str:
    """Render the tables' rows as JSON: the means over seeds, and each seed below them."""
    content = {
        "schema_version": results.schema_version,
        "command": results.run.command,
        "tables": [_json_table(table) for table in tables],
    }
    return json.dumps(content, allow_nan=False, indent=1) + "\n"


def _json_table(table: Table) -> dict[str, Any]:
    comparison = {
        k: v for k, v in asdict(table.comparison).items() if k != "notes"
    }  # with its evidence
    volume = table.front_volume
    comparison["front_hypervolume"] = asdict(volume) if volume else None
    return {**comparison, "notes": footnotes(table), "rows": [_json_row(row) for row in table.rows]}


def _json_row(row: Row) -> dict[str, Any]:
    seeds = [
        {
            "seed": r.cell.seed,
            "status": r.status,
            "partial": r.partial,
            "metrics": [asdict(m) for m in r.metrics],
        }
        for r in row.cells
    ]
    return {
        "method": row.method, "family": row.family, "state": row.state, "marks": row.marks,
        "rank": row.rank.place if row.rank else None, "tied": bool(row.rank and row.rank.tied),
        "front": bool(row.rank and row.rank.front),
        "metrics": [asdict(value) for value in row.values.values()],
        "minus_baseline": [asdict(delta) for delta in row.deltas.values()],
        "overall": asdict(row.overall) if row.overall else None,
        "best_epoch": row.best_epochs, "best": [asdict(value) for value in row.best.values()],
        "train_seconds": row.train_seconds, "training": {name: row.spent(name) for name in UNITS}, "seeds": seeds,
    }  # fmt: skip


def as_markdown(results: Results, tables: Sequence[Table]) -> str:
    """Render the leaderboards as Markdown tables."""
    lines = ["# Leaderboard", ""]
    for table in tables:
        lines += [f"## {markdown(table.title)}", "", *_markdown_table(table), ""]
        lines += [
            *(f"- {markdown(note)}" for note in footnotes(table)),
            "",
            *_markdown_pairs(table),
        ]
    lines += ["## What was run", ""]
    lines += [f"- {markdown(name)}: {markdown(value)}" for name, value in provenance(results)]
    lines += [f"- {markdown(note)}" for note in deviations(results)]
    lines += [
        "",
        "Rebuild it with:",
        "",
        *(f"    {one_line(command)}" for command in commands(results.run)),
    ]
    return "\n".join(lines) + "\n"


def _markdown_table(table: Table) -> Iterator[str]:
    shown = columns(table)
    yield (
        "| "
        + " | ".join(markdown(f"{column.title} {column.arrow}".strip()) for column in shown)
        + " |"
    )
    yield "|" + "|".join(" :-- " if column.group == "method" else " --: " for column in shown) + "|"
    for row in table.rows:
        yield "| " + " | ".join(_markdown_item(column.item(row)) for column in shown) + " |"


def _markdown_pairs(table: Table) -> Iterator[str]:
    found = pairs(table)
    if len(found) > LONGEST:
        yield from (
            f"The {len(found)} comparisons of pairs of methods are in leaderboard.html and leaderboard.csv.",
            "",
        )
    elif found:
        yield from ("### Every pair of methods", "")
        yield "| " + " | ".join(HEADERS) + " |"
        yield "| :-- | :-- | :-- | --: | --: | --: | :-- |"
        yield from ("| " + " | ".join(map(markdown, pair.cells)) + " |" for pair in found)
        yield ""


def _markdown_item(item: Item) -> str:
    details = [
        f"<sub>{markdown(detail)}</sub>" for detail in (item.detail, ", ".join(item.more)) if detail
    ]
    return "<br>".join([markdown(item.text), *details])
