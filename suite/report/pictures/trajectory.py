"""Metrics over training: one plot for each metric, one line for each method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean

from suite.api.cells import CellResult
from suite.api.pictures import Trajectory
from suite.api.scores import Metric
from suite.report.pictures.marks import dashes_of, paint_of
from suite.report.pictures.plot import (
    Drawing,
    ascii_label,
    figure_of,
    legend,
)
from suite.report.svg import report_style
from suite.report.table import Row, Table
from suite.report.values import value_of

Line = dict[float, float]
"""Epoch -> value (of a p-value its log10)."""


def trajectory(table: Table, declared: Trajectory, name: str) -> Iterator[Drawing]:
    """Draw each of the metrics over epochs."""
    with report_style():
        headlines = {table.quantity(name): table.heading(name) for name in table.axes}
        for number, metric in enumerate(declared.metrics or headlines, 1):
            lines = {}
            for row in table.methods:
                line = _average_seeds(row, metric)
                if len(line) > 1:
                    lines[row.method] = line
            if lines:
                title = headlines.get(metric, metric)
                yield _draw(table, metric, title, lines, f"{name}-{number}")


def _draw(table: Table, metric: str, title: str, lines: Mapping[str, Line], name: str) -> Drawing:
    figure, axes = figure_of(height=3.4)
    for method, line in lines.items():
        axes.plot(
            list(line),
            list(line.values()),
            color=paint_of(table, method),
            linestyle=dashes_of(table, method),
            marker=".",
            label=ascii_label(method),
        )
    title = title.replace("_", " ")
    caption = f"{title[:1].upper()}{title[1:]} after each epoch, mean over seeds."
    level = _find_baseline(table, metric)
    if level is not None:
        axes.axhline(level, color=paint_of(table, ""), linestyle=":", linewidth=1)
        caption += f" Dotted: the {table.comparison.baseline} model."
    is_p = table.is_p_value(metric)
    lowest = min(min(line.values()) for line in lines.values())
    if is_p and lowest < -10:  # on a linear axis, one collapsed model would flatten all others
        axes.set_yscale("symlog", linthresh=1)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"{'log10 p, ' if is_p else ''}{ascii_label(title)}")
    legend(figure, axes)
    return Drawing(figure, name, "trajectory", caption)


def _find_baseline(table: Table, metric: str) -> float | None:
    """Return the metric of the baseline model, as it is drawn."""
    for row in table.baselines:
        if row.method == table.comparison.baseline and metric in row.values:
            return row.values[metric].on_axis
    return None


def _average_seeds(row: Row, metric: str) -> Line:
    """Return the mean over seeds at each epoch for which every seed has a value."""
    final = row.values.get(metric)
    unit = final.unit if final else ""
    seeds = [_read_seed(result, metric, unit) for result in row.cells]
    epochs = set(seeds[0])
    for seed in seeds:
        epochs &= seed.keys()
    line = {}
    for epoch in sorted(epochs):
        line[epoch] = fmean(seed[epoch] for seed in seeds)
    return line


def _read_seed(result: CellResult, metric: str, unit: str) -> Line:
    """Read the metric after each epoch. An epoch knows only numbers, so `unit` is given."""
    line = {}
    for point in result.trajectory:
        named = {}
        for name, number in point.metrics.items():
            named[name] = Metric(name, number, None, unit if name == metric else "")
        value = value_of(named, metric).on_axis
        if value is not None:
            line[point.epoch] = value
    return line
