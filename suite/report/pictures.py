"""The pictures of a table: what is gained against what is kept, and the truth ratios behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.api.scores import Metric
from suite.report.numbers import percent
from suite.report.svg import INK, LINE, MUTED, PALETTE, as_svg, report_style
from suite.report.table import Row, Table
from suite.report.text import one_line
from suite.report.values import Value, bars, value_of
from suite.results.samples import Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vPXp"
LEGEND_WIDTH = 74
"""Characters that fit below a plot."""
_DASHES = ("-", "--", "-.", ":")
_BASELINES = {"retrain": "*", "target": "X"}


@dataclass(frozen=True)
class Picture:
    """A drawing and its caption."""

    svg: str
    caption: str


def colour(table: Table, method: str) -> int | None:
    """Return the index of a method's colour, the same in table and pictures; None for a baseline."""
    number = number_of(table, method)
    return None if number is None else number % len(PALETTE)


def number_of(table: Table, method: str) -> int | None:
    """Return the number of a method among those of its table, by name; None for a baseline."""
    names = sorted(row.method for row in table.methods)
    return names.index(method) if method in names else None


def marker_of(table: Table, method: str) -> str:
    """Return the mark of a method's points, the same in every picture."""
    number = number_of(table, method)
    if number is None:
        return _BASELINES.get(method, "*")
    # With more methods than colours the next round takes every colour with another mark.
    return _MARKERS[(number + number // len(PALETTE)) % len(_MARKERS)]


def dashes_of(table: Table, method: str) -> str:
    """Return the line style that tells methods of one colour apart, where there are more of them than colours."""
    return _DASHES[(number_of(table, method) or 0) // len(PALETTE) % len(_DASHES)]


def paint_of(table: Table, method: str) -> str:
    """Return the colour of a method's marks; ink for a baseline."""
    index = colour(table, method)
    return INK if index is None else PALETTE[index]


def pictures(table: Table, name: str, samples: Mapping[str, Sequence[Sample]]) -> list[Picture]:
    """Draw what the table has the numbers for; `name` starts the pictures' identifiers."""
    with report_style():
        return [
            *_tradeoff(table, f"{name}-tradeoff"),
            *_truth_ratios(table, f"{name}-truth", samples),
        ]


def _complete(table: Table) -> list[Row]:
    return [row for row in table.rows if row.state in ("ok", "baseline", "partial")]


def _tradeoff(table: Table, name: str) -> Iterator[Picture]:
    """Draw the first headline metric against the second: every epoch, the final one, the baselines.

    Where no direction is better, nothing is traded.
    """
    if len(table.axes) < 2:
        return
    y, x = table.axes[:2]
    rows = [row for row in _complete(table) if _point(row.values, x, y)]
    if not rows:
        return
    figure, axes = figure_of()
    for row in rows:
        _draw_row(axes, table, row, x, y)
    _draw_front(
        axes,
        [point for row in table.front if (point := _point(row.values, x, y))],
        table.direction(x),
    )
    is_p = any(row.values[y].log10_p is not None for row in rows)
    _scale(axes, [_coordinate(row.values[y]) for row in rows], is_p)
    axes.set_xlabel(f"{_label(x)} {table.direction(x)}")
    axes.set_ylabel(f"{'log10 p, ' if is_p else ''}{_label(y)} {table.direction(y)}")
    legend(figure, axes)
    caption = f"{_label(y).capitalize()} against {_label(x)}. Large marks: final checkpoint"
    caption += ", with its spread where known; small ones: earlier epochs. Grey line: the front."
    if any(row.overall for row in rows):
        caption += " In brackets: P(non-dominated), the share of draws in which no other method dominates it."
    if table.front_volume is not None:
        caption += f" Hypervolume of all methods together: {table.front_volume.text}."
    caption += " Dashed: p = .05, above which the test finds no difference." if is_p else ""
    yield Picture(as_svg(figure, name, caption), caption)


def _draw_front(axes: Axes, points: Sequence[tuple[float, float]], x_direction: str) -> None:
    """Join the final checkpoints that no other dominates, in the order of x."""
    if len(points) > 1:
        xs, ys = zip(*sorted(points), strict=True)
        steps = "steps-pre" if x_direction == "↑" else "steps-post"
        axes.plot(xs, ys, color=MUTED, linewidth=1, drawstyle=steps, zorder=1)


def _draw_row(axes: Axes, table: Table, row: Row, x: str, y: str) -> None:
    paint = paint_of(table, row.method)
    marker = marker_of(table, row.method)
    for result in row.cells:
        path = [_at(point.metrics, row.values, x, y) for point in result.trajectory]
        xs, ys = [[point[axis] for point in path if point] for axis in (0, 1)]
        axes.plot(xs, ys, color=paint, alpha=0.45, marker=".", markersize=4, linewidth=0.9)
    point = _point(row.values, x, y)
    assert point is not None, "rows without a point are left out before"
    spread = bars(row.values[x]), bars(row.values[y])
    axes.errorbar(
        *point,
        xerr=spread[0],
        yerr=spread[1],
        fmt="none",
        ecolor=paint,
        elinewidth=1.1,
        capsize=2.5,
    )
    size = 11 if marker == "*" else 7
    axes.plot(
        *point, color=paint, label=_sure_label(row), marker=marker, markersize=size, markeredgecolor="none",
        linestyle="none", zorder=3,
    )  # fmt: skip


def _sure_label(row: Row) -> str:
    """A method's name with its P(non-dominated)."""
    known = f" ({percent(row.overall.p_front)})" if row.overall and row.rank else ""
    return f"{ascii_label(row.method)}{known}"


def _at(
    metrics: Mapping[str, float | None], like: Mapping[str, Value], x: str, y: str
) -> tuple[float, float] | None:
    named = {
        name: Metric(name, value, None, like[name].unit if name in like else "")
        for name, value in metrics.items()
    }
    return _point({name: value_of(named, name) for name in (x, y)}, x, y)


def _point(values: Mapping[str, Value], x: str, y: str) -> tuple[float, float] | None:
    if x not in values or y not in values or values[x].value is None or values[y].value is None:
        return None
    return _coordinate(values[x]), _coordinate(values[y])


def _coordinate(value: Value) -> float:
    shown = value.value if value.log10_p is None else value.log10_p
    assert shown is not None, "only known values are drawn"
    return shown


def _scale(axes: Axes, ys: Sequence[float], is_p: bool) -> None:
    if not is_p:
        return
    axes.axhline(math.log10(0.05), color=MUTED, linestyle=(0, (4, 3)), linewidth=0.8, zorder=1)
    lowest = min(min(ys), -1.5)
    if lowest < -10:  # one collapsed model would flatten all others
        axes.set_yscale("symlog", linthresh=1)
        ticks = [-t for t in (0, 1, 3, 10, 30, 100, 300) if t <= 1.6 * abs(min(ys))]
        axes.set_yticks(ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
        axes.minorticks_off()
    axes.set_ylim(*(1.7 * lowest, 0.4) if lowest < -10 else (1.15 * lowest, 0.08 * abs(lowest)))


def _truth_ratios(
    table: Table, name: str, samples: Mapping[str, Sequence[Sample]]
) -> Iterator[Picture]:
    """Draw the cumulative distributions of the forget set's truth ratios, whose largest gap is KS's D."""
    curves = {row.method: _log_ratios(row, samples) for row in _complete(table)}
    curves = {method: ratios for method, ratios in curves.items() if ratios}
    if len(curves) < 2:
        return
    figure, axes = figure_of()
    for method, ratios in curves.items():
        index = colour(table, method)
        paint = INK if index is None else PALETTE[index]
        dots = dashes_of(table, method)
        if index is None and method != table.comparison.baseline:
            dots = ":"
        width = 2.2 if index is None else 1.3
        axes.ecdf(ratios, color=paint, linestyle=dots, linewidth=width, label=ascii_label(method))
    axes.set_xlabel("ln truth ratio, forget set")
    axes.set_ylabel("share of questions below")
    legend(figure, axes)
    caption = "Truth ratios of the forget questions, cumulated. Forget quality asks whether a method's curve "
    caption += (
        f"could be the {table.comparison.baseline} model's; their largest vertical gap is KS's D."
    )
    yield Picture(as_svg(figure, name, caption), caption)


def _log_ratios(row: Row, samples: Mapping[str, Sequence[Sample]]) -> list[float]:
    answers = [sample for result in row.cells for sample in samples.get(result.cell.slug, ())]
    ratios = [sample.scores.get("log_truth_ratio") for sample in answers if sample.set == "forget"]
    return [ratio for ratio in ratios if ratio is not None]


def figure_of(height: float = 4.2) -> tuple[Figure, Axes]:
    """Make one plot of the report's size, inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, height), layout="constrained")
    return figure, figure.add_subplot()


def legend(figure: Figure, axes: Axes) -> None:
    """Put the legend below the plot, which keeps its size, and the grid behind it."""
    handles, labels = axes.get_legend_handles_labels()
    columns = next((n for n in (3, 2) if _legend_width(labels, n) <= LEGEND_WIDTH), 1)
    figure.set_figheight(
        figure.get_figheight() + 0.19 * max(0, math.ceil(len(labels) / columns) - 2)
    )
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, labelcolor=INK)
    axes.grid(color=LINE)


def _legend_width(labels: Sequence[str], columns: int) -> int:
    """Characters that a legend needs, whose columns are filled one after the other; a mark takes about six."""
    rows = math.ceil(len(labels) / columns)
    return sum(
        6 + max(map(len, labels[start : start + rows])) for start in range(0, len(labels), rows)
    )


def _label(metric: str) -> str:
    return ascii_label(metric.replace("_", " "))


def ascii_label(text: str) -> str:
    """Keep to characters that the font has, and to a legend that fits."""
    return one_line(text).encode("ascii", "backslashreplace").decode()[:40]
