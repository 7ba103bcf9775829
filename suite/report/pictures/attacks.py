"""Three pictures of what attacks found: excess by attack and method, the course of relearning, and
before against after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from suite.report.colours import INK, LINE, MUTED
from suite.report.pictures.labels import write_names
from suite.report.pictures.marks import dashes_of, marker_of, paint_of
from suite.report.pictures.plot import Drawing, ascii_label, figure_of, legend, name_of
from suite.report.svg import report_style
from suite.report.table import Row, Table
from suite.results.robustness import Found, Robustness

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_attacks(table: Table, name: str) -> list[Drawing]:
    """Draw what was found in a table's models; `name` starts all identifiers."""
    robustness = table.comparison.robustness
    if robustness is None:
        return []
    with report_style():
        drawn = [*_excesses(table, robustness, f"{name}-e")]
        drawn += _courses(table, robustness, f"{name}-c")
        drawn += _before_after(table, robustness, f"{name}-b")
    return drawn


def _courses(table: Table, robustness: Robustness, name: str) -> Iterator[Drawing]:
    """A plot for each point of a training attack's grid: value over steps, a line for each row."""
    for number, (attack, variant) in enumerate(_trained(robustness), 1):
        figure, axes = figure_of(height=3.4)
        for row in table.rows:
            line = _course(robustness, attack, variant, row.method)
            if len(line) > 1:
                _draw_course(axes, table, row, line)
        metric = next(each.metric for each in robustness.found if each.attack == attack)
        axes.set_xlabel("optimiser steps of the attack")
        axes.set_ylabel(name_of(metric))
        axes.set_ylim(bottom=0)
        legend(figure, axes)
        shown = ", ".join(filter(None, (attack, variant)))
        caption = (
            f"{shown}: what each model shows of the forget data in the course of the attack. "
            "Shaded: 95 % intervals."
        )
        if robustness.baseline is not None:
            caption += (
                f" A line that rises above that of the {robustness.baseline} model shows what was "
                "only hidden."
            )
        yield Drawing(figure, f"{name}{number}", "relearning", caption)


def _trained(robustness: Robustness) -> list[tuple[str, str]]:
    """(attack, point of its grid) of the attacks that train."""
    return list(dict.fromkeys((f.attack, f.variant) for f in robustness.found if f.step))


def _course(robustness: Robustness, attack: str, variant: str, method: str) -> list[Found]:
    """The findings of one method from step 0 on."""
    return [
        each
        for each in robustness.found
        if (each.attack, each.method) == (attack, method)
        and each.step is not None
        and each.value is not None
        and (each.step == 0 or each.variant == variant)
    ]


def _draw_course(axes: Axes, table: Table, row: Row, line: Sequence[Found]) -> None:
    """Draw a row's values over steps; start models in ink, dashed but for the baseline."""
    paint = paint_of(table, row.method)
    style = dashes_of(table, row.method)
    if row.is_baseline:
        style = "-" if row.method == table.comparison.baseline else ":"
    steps, values, low, high = [], [], [], []
    for each in line:
        value = each.value or 0.0
        steps.append(each.step or 0)
        values.append(value)
        low.append(value if each.ci_low is None else each.ci_low)
        high.append(value if each.ci_high is None else each.ci_high)
    label = ascii_label(row.method)
    axes.plot(steps, values, color=paint, linestyle=style, marker=".", label=label)
    axes.fill_between(steps, low, high, color=paint, alpha=0.1, linewidth=0)


def _before_after(table: Table, robustness: Robustness, name: str) -> Iterator[Drawing]:
    """A plot for each attack: each row's value before and at its worst."""
    for number, attack in enumerate(robustness.attacks, 1):
        rows, points = [], []
        for row in table.rows:
            found = robustness.worst(row.method, attack)
            if found is not None and found.before is not None and found.value is not None:
                rows.append(row)
                points.append((found.before, found.value))
        if not rows:
            continue
        metric = next(each.metric for each in robustness.found if each.attack == attack)
        figure, axes = figure_of(height=3.6)
        most = 1.08 * max(max(point) for point in points) or 1.0
        axes.plot([0, most], [0, most], color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for row, point in zip(rows, points, strict=True):
            marker = marker_of(table, row.method)
            axes.plot(*point, color=paint_of(table, row.method), marker=marker, linestyle="none")
        axes.set(xlim=(-0.04 * most, most), ylim=(-0.04 * most, most))
        axes.set_xlabel(f"{name_of(metric)} before")
        axes.set_ylabel("after the attack")
        axes.grid(color=LINE)
        write_names(axes, [ascii_label(row.method) for row in rows], points)
        caption = (
            f"{attack}: before against after, at the worst point of its grid. Above the dashed "
            "line the attack brought something back; on it, nothing changed."
        )
        yield Drawing(figure, f"{name}{number}", "before-after", caption)


def _excesses(table: Table, robustness: Robustness, name: str) -> Iterator[Drawing]:
    """Bars: excess over the baseline model, a group for each attack, a bar for each method."""
    rows = [row for row in table.methods if _has_excess(robustness, row.method)]
    if not rows:
        return
    figure, axes = figure_of(height=3.6)
    width = 0.8 / len(rows)
    for number, row in enumerate(rows):
        offset = (number + 0.5) * width - 0.4
        _draw_excess(axes, table, row, robustness, offset, width)
    axes.axhline(0, color=INK, linewidth=0.8)
    labels = [ascii_label(attack, 18) for attack in robustness.attacks]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylabel(f"excess over {ascii_label(robustness.baseline or '')}")
    legend(figure, axes)
    caption = (
        f"What each attack shows of the forget data beyond the {robustness.baseline} model "
        "attacked alike, at the worst point of its grid. 0: nothing. Lines: 95 % intervals."
    )
    yield Drawing(figure, name, "excess", caption)


def _has_excess(robustness: Robustness, method: str) -> bool:
    return any(each.method == method and each.excess is not None for each in robustness.found)


def _draw_excess(
    axes: Axes, table: Table, row: Row, robustness: Robustness, offset: float, width: float
) -> None:
    """Draw one method: a bar for each attack with a worst case."""
    paint = paint_of(table, row.method)
    places, heights = [], []
    for place, attack in enumerate(robustness.attacks):
        found = robustness.worst(row.method, attack)
        if found is None or found.excess is None:
            continue
        places.append(place + offset)
        heights.append(found.excess)
        if found.excess_low is not None and found.excess_high is not None:
            axes.plot([place + offset] * 2, [found.excess_low, found.excess_high], color=MUTED)
    axes.bar(places, heights, 0.9 * width, color=paint, label=ascii_label(row.method))
