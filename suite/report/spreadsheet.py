"""leaderboard.csv: one line for each number, so that a spreadsheet or pandas can pick what it wants.

a metric of a row or seed          metric, value, low, high, ...; checkpoint "final" or "best"
what training cost                 metric "training seconds", ...
one method minus another           `minus` names the other; pvalue, and `adjusted` by Holm's correction
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from suite.report.table import Row, Table
from suite.report.text import cell
from suite.report.values import Value, value_of

FIELDS = (
    "benchmark", "split", "model", "method", "minus", "family", "seed", "state", "rank", "front", "p_front",
    "place_low", "place_high", "checkpoint", "epoch", "metric", "value", "low", "high", "spread", "pvalue", "adjusted",
    "minus_baseline", "minus_baseline_low", "minus_baseline_high", "tier", "p_best", "rank_low", "rank_high",
    "log10_p", "n", "n_clusters", "higher_is_better", "unit", "note",
)  # fmt: skip
"""Its columns."""
UNITS = {
    "seconds": "s",
    "cpu_seconds": "s",
    "gpu_seconds": "s",
    "tokens": "tokens",
    "peak_bytes": "bytes",
}
"""What training cost (fields of `Timing`), and in what it is counted."""


def as_csv(tables: Sequence[Table]) -> str:
    """Render every number as one line: final and best epoch, mean over seeds ("mean") and each seed."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n", restval="")
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            _write(writer, _csv_lines(table, row))
        _write(writer, _csv_table(table))
    return out.getvalue()


def _write(writer: csv.DictWriter[str], lines: Iterable[dict[str, Any]]) -> None:
    for line in lines:
        writer.writerow({k: cell(v) if isinstance(v, str) else v for k, v in line.items()})


def _csv_table(table: Table) -> Iterator[dict[str, Any]]:
    """What is said of several methods: the hypervolume of the front, the differences of pairs."""
    common = dict(zip(("benchmark", "split", "model"), table.comparison.key, strict=True))
    if table.front_volume is not None:
        yield {
            **common,
            "method": "all ranked methods",
            "checkpoint": "final",
            **_csv_value(table.front_volume),
        }
    evidence = table.comparison.evidence
    for known in evidence.differences if evidence else ():
        yield {
            **common, "method": known.method, "minus": known.other, "metric": known.metric, "value": known.value,
            "low": known.ci_low, "high": known.ci_high, "pvalue": known.pvalue, "adjusted": known.adjusted,
            "n": known.n, "n_clusters": known.n_clusters, "note": known.note,
        }  # fmt: skip


def _csv_lines(table: Table, row: Row) -> Iterator[dict[str, Any]]:
    benchmark, split, model = table.comparison.key
    common: dict[str, Any] = {
        "benchmark": benchmark, "split": split, "model": model, "method": row.method, "family": row.family,
        "state": row.state, "rank": row.rank.place if row.rank else None,
        "front": bool(row.rank and row.rank.front),
    }  # fmt: skip
    if row.overall and row.rank:
        sure = row.overall
        common |= {
            "p_front": sure.p_front,
            "place_low": sure.rank_low,
            "place_high": sure.rank_high,
        }
    if not row.values:
        yield {**common, "seed": "mean", "note": "; ".join(row.marks)}
    several = len(row.cells) > 1
    mean = "mean" if several else row.cells[0].cell.seed
    for checkpoint, values in (("final", row.values), ("best", row.best)):
        epoch = row.best_epochs if checkpoint == "best" else ""
        for value in values.values():
            final = checkpoint == "final"
            extra = _csv_compared(row, value.name) if final else {}
            line = {"seed": mean, "checkpoint": checkpoint, "epoch": epoch, **extra}
            yield {**common, **line, **_csv_value(value)}
    for name, unit in UNITS.items():
        if (spent := row.spent(name)) is not None:
            yield {
                **common,
                "seed": mean,
                "metric": f"training {name}",
                "value": spent,
                "unit": unit,
            }
    for result in row.cells if several else ():
        metrics = {metric.name: metric for metric in result.metrics}
        for name in metrics:
            line = {"seed": result.cell.seed, "state": result.status, "checkpoint": "final"}
            yield {
                **common,
                **line,
                "rank": None,
                "front": "",
                **_csv_value(value_of(metrics, name)),
            }


def _csv_compared(row: Row, name: str) -> dict[str, Any]:
    """The difference to the baseline model, and how sure the place on this metric is."""
    delta, standing = row.deltas.get(name), row.standings.get(name)
    columns: dict[str, Any] = {}
    if delta is not None:
        columns |= {
            "minus_baseline": delta.value,
            "minus_baseline_low": delta.low,
            "minus_baseline_high": delta.high,
        }
    if standing is not None and row.rank is not None:
        columns |= {
            name: getattr(standing, name) for name in ("tier", "p_best", "rank_low", "rank_high")
        }
    return columns


def _csv_value(value: Value) -> dict[str, Any]:
    return {
        ("metric" if name == "name" else name): content for name, content in asdict(value).items()
    }
