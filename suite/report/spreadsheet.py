"""leaderboard.csv: one line for each number, so that a spreadsheet or pandas can select from it.

a metric of a row or a seed        metric, value, low, high, ...; checkpoint "final" or "best"
a cost of training                 metric "training seconds", ...
one method minus another           `minus` names the other; `adjusted` is p after correction
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from suite.api.cells import CellResult
from suite.report.table import Row, Table
from suite.report.text import cell
from suite.report.values import Value, by_name, value_of

FIELDS = (
    *("benchmark", "split", "model", "method", "minus", "family", "start_seed", "seed", "state"),
    *("rank", "front", "p_front", "place_low", "place_high"),
    *("checkpoint", "epoch", "metric", "value", "low", "high", "spread", "pvalue", "adjusted"),
    *("minus_baseline", "minus_baseline_low", "minus_baseline_high"),
    *("tier", "p_best", "rank_low", "rank_high"),
    *("log10_p", "n", "n_clusters", "higher_is_better", "unit", "note"),
)
"""The columns. `tier`, `p_best`, `rank_low`, `rank_high` are about the line's metric alone."""
UNITS = {
    "seconds": "s",
    "cpu_seconds": "s",
    "gpu_seconds": "s",
    "tokens": "tokens",
    "peak_bytes": "bytes",
}
"""The costs of training (fields of `Timing`) and their units."""

Line = dict[str, Any]


def as_csv(tables: Sequence[Table]) -> str:
    """Render every number as one line: final and best epoch, mean over seeds and each seed."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n", restval="")
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            _write(writer, _row_lines(table, row))
        _write(writer, _table_lines(table))
    return out.getvalue()


def _write(writer: csv.DictWriter[str], lines: Iterable[Line]) -> None:
    for line in lines:
        inert = {}
        for name, content in line.items():
            inert[name] = cell(content) if isinstance(content, str) else content
        writer.writerow(inert)


def _row_lines(table: Table, row: Row) -> Iterator[Line]:
    """Everything about one method."""
    common = _describe_row(table, row)
    several = len(row.cells) > 1
    mean = {**common, **_which(row.cells[0] if not several else None)}
    if not row.values:
        yield {**common, **_which(None), "note": "; ".join(row.marks)}
    for name, value in row.values.items():
        yield {
            **mean,
            "checkpoint": "final",
            **_compare_value(row, name),
            **_value_fields(value),
        }
    for value in row.best.values():
        yield {**mean, "checkpoint": "best", "epoch": row.best_epochs, **_value_fields(value)}
    for name, unit in UNITS.items():
        cost = row.spent(name)
        if cost is not None:
            yield {**mean, "metric": f"training {name}", "value": cost, "unit": unit}
    if several:
        for result in row.cells:
            yield from _seed_lines(common, result)


def _describe_row(table: Table, row: Row) -> Line:
    """The fields that all lines of a row share."""
    line = {
        **_describe_table(table),
        "method": row.method,
        "family": row.family,
        "state": row.state,
        "rank": row.rank.place if row.rank else None,
        "front": bool(row.rank and row.rank.front),
    }
    if row.overall and row.rank:
        line["p_front"] = row.overall.p_front
        line["place_low"] = row.overall.rank_low
        line["place_high"] = row.overall.rank_high
    return line


def _which(result: CellResult | None) -> Line:
    """The run that a line is about; None: the mean over all of them."""
    if result is None:
        return {"start_seed": "mean", "seed": "mean"}
    return {"start_seed": result.cell.start_seed, "seed": result.cell.seed}


def _describe_table(table: Table) -> Line:
    benchmark, split, model = table.comparison.key
    return {"benchmark": benchmark, "split": split, "model": model}


def _seed_lines(common: Line, result: CellResult) -> Iterator[Line]:
    """The metrics of one seed. A rank belongs to a method, so its seeds have none."""
    metrics = by_name(result.metrics)
    for name in metrics:
        yield {
            **common,
            **_which(result),
            "state": result.status,
            "checkpoint": "final",
            "rank": None,
            "front": "",
            **_value_fields(value_of(metrics, name)),
        }


def _table_lines(table: Table) -> Iterator[Line]:
    """What is about several methods: the hypervolume of the front, the differences of pairs."""
    common = _describe_table(table)
    if table.front_volume is not None:
        yield {
            **common,
            "method": "all ranked methods",
            "checkpoint": "final",
            **_value_fields(table.front_volume),
        }
    evidence = table.comparison.evidence
    if evidence is None:
        return
    for known in evidence.differences:
        yield {
            **common,
            "method": known.method,
            "minus": known.other,
            "metric": known.metric,
            "value": known.value,
            "low": known.ci_low,
            "high": known.ci_high,
            "pvalue": known.pvalue,
            "adjusted": known.adjusted,
            "n": known.n,
            "n_clusters": known.n_clusters,
            "note": known.note,
        }


def _compare_value(row: Row, name: str) -> Line:
    """A metric's difference from the baseline model, and how sure the rank on it is."""
    line: Line = {}
    delta = row.deltas.get(name)
    if delta is not None:
        line["minus_baseline"] = delta.value
        line["minus_baseline_low"] = delta.low
        line["minus_baseline_high"] = delta.high
    standing = row.standings.get(name)
    if standing is not None and row.rank is not None:
        for field in ("tier", "p_best", "rank_low", "rank_high"):
            line[field] = getattr(standing, field)
    return line


def _value_fields(value: Value) -> Line:
    fields = asdict(value)
    fields["metric"] = fields.pop("name")
    return fields
