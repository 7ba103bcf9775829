"""How the headline metrics go in the course of training: a panel for each metric, a line for each method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean

from suite.api.cells import CellResult
from suite.api.scores import Metric
from suite.report.pictures import Picture, ascii_label, dashes_of, figure_of, legend, paint_of
from suite.report.svg import as_svg, report_style
from suite.report.table import Row, Table
from suite.report.values import value_of


def trajectories(table: Table, name: str) -> Iterator[Picture]:
    """Draw each headline metric over epochs; `name` starts the pictures' identifiers."""
    with report_style():
        for number, metric in enumerate(table.axes, 1):
            lines = {row.method: _line(row, metric) for row in table.methods}
            lines = {method: line for method, line in lines.items() if len(line) > 1}
            if lines:
                yield _picture(table, metric, lines, f"{name}{number}")


def _picture(
    table: Table, metric: str, lines: Mapping[str, Mapping[float, float]], name: str
) -> Picture:
    figure, axes = figure_of(height=3.4)
    for method, line in lines.items():
        paint, dashes = paint_of(table, method), dashes_of(table, method)
        axes.plot(
            list(line),
            list(line.values()),
            color=paint,
            linestyle=dashes,
            marker=".",
            label=ascii_label(method),
        )
    is_p = _is_p(table, metric)
    base = next((row for row in table.baselines if row.method == table.comparison.baseline), None)
    known = base.values.get(metric) if base else None
    if known is not None and known.value is not None:
        axes.axhline(
            known.value if known.log10_p is None else known.log10_p,
            color=paint_of(table, ""),
            linestyle=":",
            linewidth=1,
        )
    if is_p and min(value for line in lines.values() for value in line.values()) < -10:
        axes.set_yscale("symlog", linthresh=1)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"{'log10 p, ' if is_p else ''}{ascii_label(metric.replace('_', ' '))}")
    legend(figure, axes)
    caption = f"{metric.replace('_', ' ').capitalize()} after each epoch, mean over seeds."
    caption += (
        f" Dotted: the {base.method} model." if base is not None and known is not None else ""
    )
    return Picture(as_svg(figure, name, caption), caption)


def _line(row: Row, metric: str) -> dict[float, float]:
    """Epoch -> mean over seeds (of a p-value: of its logarithm), where every seed has one."""
    like = row.values.get(metric)
    seeds = [dict(_course(result, metric, like.unit if like else "")) for result in row.cells]
    epochs = sorted(set.intersection(*map(set, seeds))) if seeds else []
    return {epoch: fmean(seed[epoch] for seed in seeds) for epoch in epochs}


def _course(result: CellResult, metric: str, unit: str) -> Iterator[tuple[float, float]]:
    for point in result.trajectory:
        named = {
            n: Metric(n, v, None, unit if n == metric else "") for n, v in point.metrics.items()
        }
        value = value_of(named, metric)
        number = value.value if value.log10_p is None else value.log10_p
        if number is not None:
            yield point.epoch, number


def _is_p(table: Table, metric: str) -> bool:
    return any(row.values[metric].log10_p is not None for row in table.rows if metric in row.values)
