"""leaderboard.json, leaderboard.csv (one line per number) and leaderboard.md."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from suite.report.columns import Item, columns
from suite.report.footnotes import commands, deviations, footnotes, provenance
from suite.report.table import Row, Table
from suite.report.text import cell, markdown, one_line
from suite.report.values import Value, value_of
from suite.results import Results

FIELDS = (
    "benchmark", "split", "model", "method", "family", "seed", "state", "rank", "front", "checkpoint",
    "epoch", "metric", "value", "low", "high", "spread", "minus_baseline", "minus_baseline_low", "minus_baseline_high",
    "tier", "p_best", "rank_low", "rank_high", "log10_p", "n", "n_clusters",
    "higher_is_better", "unit", "note",
)  # fmt: skip
"""Columns of leaderboard.csv."""


def as_json(results: Results, tables: Sequence[Table]) -> str:
    """Render the tables' rows as JSON: the means over seeds, and each seed below them."""
    content = {
        "schema_version": results.schema_version,
        "command": results.run.command,
        "tables": [_json_table(table) for table in tables],
    }
    return json.dumps(content, allow_nan=False, indent=1) + "\n"


def _json_table(table: Table) -> dict[str, Any]:
    comparison = {k: v for k, v in asdict(table.comparison).items() if k != "notes"}  # with its evidence
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
        "train_seconds": row.train_seconds, "seeds": seeds,
    }  # fmt: skip


def as_csv(tables: Sequence[Table]) -> str:
    """Render every number as one line: final and best epoch, mean over seeds ("mean") and each seed."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n", restval="")
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            for line in _csv_lines(table, row):
                writer.writerow({k: cell(v) if isinstance(v, str) else v for k, v in line.items()})
    return out.getvalue()


def _csv_lines(table: Table, row: Row) -> Iterator[dict[str, Any]]:
    benchmark, split, model = table.comparison.key
    common = {
        "benchmark": benchmark, "split": split, "model": model, "method": row.method, "family": row.family,
        "state": row.state, "rank": row.rank.place if row.rank else None,
        "front": bool(row.rank and row.rank.front),
    }  # fmt: skip
    if not row.values:
        yield {**common, "seed": "mean", "note": "; ".join(row.marks)}
    several = len(row.cells) > 1
    only = row.cells[0]
    for checkpoint, values in (("final", row.values), ("best", row.best)):
        epoch = row.best_epochs if checkpoint == "best" else ""
        for value in values.values():
            final = checkpoint == "final"
            extra = _csv_compared(row, value.name) if final else {}
            seed = "mean" if several else only.cell.seed
            line = {"seed": seed, "checkpoint": checkpoint, "epoch": epoch, **extra}
            yield {**common, **line, **_csv_value(value)}
    for result in row.cells if several else ():
        metrics = {metric.name: metric for metric in result.metrics}
        for name in metrics:
            line = {"seed": result.cell.seed, "state": result.status, "checkpoint": "final"}
            yield {**common, **line, "rank": None, "front": "", **_csv_value(value_of(metrics, name))}


def _csv_compared(row: Row, name: str) -> dict[str, Any]:
    """The difference to the baseline model, and how sure the place on this metric is."""
    delta, standing = row.deltas.get(name), row.standings.get(name)
    columns: dict[str, Any] = {}
    if delta is not None:
        columns |= {"minus_baseline": delta.value, "minus_baseline_low": delta.low, "minus_baseline_high": delta.high}
    if standing is not None and row.rank is not None:
        columns |= {name: getattr(standing, name) for name in ("tier", "p_best", "rank_low", "rank_high")}
    return columns


def _csv_value(value: Value) -> dict[str, Any]:
    return {("metric" if name == "name" else name): content for name, content in asdict(value).items()}


def as_markdown(results: Results, tables: Sequence[Table]) -> str:
    """Render the leaderboards as Markdown tables."""
    lines = ["# Leaderboard", ""]
    for table in tables:
        lines += [f"## {markdown(table.title)}", "", *_markdown_table(table), ""]
        lines += [*(f"- {markdown(note)}" for note in footnotes(table)), ""]
    lines += ["## What was run", ""]
    lines += [f"- {markdown(name)}: {markdown(value)}" for name, value in provenance(results)]
    lines += [f"- {markdown(note)}" for note in deviations(results)]
    lines += ["", "Rebuild it with:", "", *(f"    {one_line(command)}" for command in commands(results.run))]
    return "\n".join(lines) + "\n"


def _markdown_table(table: Table) -> Iterator[str]:
    shown = columns(table)
    yield "| " + " | ".join(markdown(f"{column.title} {column.arrow}".strip()) for column in shown) + " |"
    yield "|" + "|".join(" :-- " if column.group == "method" else " --: " for column in shown) + "|"
    for row in table.rows:
        yield "| " + " | ".join(_markdown_item(column.item(row)) for column in shown) + " |"


def _markdown_item(item: Item) -> str:
    text = markdown(item.text)
    return f"{text}<br><sub>{markdown(item.detail)}</sub>" if item.detail else text
