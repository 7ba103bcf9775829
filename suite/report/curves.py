"""Learning curves of experiments, as small multiples: methods one below the other, panels side by side.

Drawn are the metrics of a trajectory that are named "group/panel/line", see `suite.api.scores.CurvePoint`. Names are
put in the order of the numbers in them: tau=5 before tau=10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from suite.report.pictures import Picture, ascii_label
from suite.report.svg import INK, PALETTE, as_svg, report_style
from suite.report.table import Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

WIDTH, ROW, LEFT, TOP, BOTTOM = 6.4, 1.15, 0.7, 0.25, 0.72
"""Inches: a picture's width, the height of a row of panels, the margins (finding them by drawing takes seconds)."""


@dataclass
class _Group:
    """One picture: rows, panels, lines and dashed lines, each once."""

    name: str
    panels: dict[str, None] = field(default_factory=dict)
    lines: dict[str, None] = field(default_factory=dict)
    targets: dict[str, None] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def is_probability(self) -> bool:
        """Whether the final values say that they are probabilities."""
        values = (value for row in self.rows.values() for value in row.values.values())
        return any(
            value.unit == "probability"
            for value in values
            if value.name.startswith(f"{self.name}/")
        )

    def add(self, row: Row, panel: str, line: str) -> None:
        """Note a curve of a row."""
        line, _, target = line.partition("*")
        self.rows[row.method] = row
        self.panels[panel] = self.lines[line] = None
        if target:
            self.targets[target] = None


def learning_curves(table: Table, name: str) -> list[Picture]:
    """Draw a picture for each group of curves; `name` starts the pictures' identifiers."""
    with report_style():
        return [
            _picture(group, f"{name}{number}") for number, group in enumerate(_groups(table), 1)
        ]


def _groups(table: Table) -> list[_Group]:
    groups: dict[str, _Group] = {}
    for row in table.rows:
        points = (point for result in row.cells for point in result.trajectory)
        for name in sorted({name for point in points for name in point.metrics}, key=_by_number):
            if name.count("/") == 2:
                group, panel, line = name.split("/")
                groups.setdefault(group, _Group(group)).add(row, panel, line)
    return [groups[name] for name in sorted(groups, key=_by_number)]


def _by_number(name: str) -> list[tuple[float, str]]:
    parts = re.split(r"(\d+(?:\.\d+)?)", name.lower())
    return [(float(part), "") if i % 2 else (0.0, part) for i, part in enumerate(parts)]


def _picture(group: _Group, name: str) -> Picture:
    from matplotlib.figure import Figure

    height = ROW * len(group.rows) + TOP + BOTTOM
    figure = Figure(figsize=(WIDTH, height))
    # Probabilities compare across methods; other things may differ in size.
    shared: Literal["all", "row"] = "all" if group.is_probability else "row"
    grid = figure.subplots(
        len(group.rows), len(group.panels), sharex=True, sharey=shared, squeeze=False
    )
    figure.subplots_adjust(
        LEFT / WIDTH, BOTTOM / height, 0.98, 1 - TOP / height, wspace=0.1, hspace=0.15
    )
    for row, axes_row in zip(group.rows.values(), grid, strict=True):
        for panel, axes in zip(group.panels, axes_row, strict=True):
            _draw(axes, row, group, panel)
    for panel, axes in zip(group.panels, grid[0], strict=True):
        axes.set_title(ascii_label(panel.replace("_", " ")), fontsize=8.5, color=INK)
    _finish(figure, group, grid)
    caption = f"{group.name.replace('_', ' ')}: learning curves over steps of training."
    caption += f" Dashed: {', '.join(group.targets)}." if group.targets else ""
    return Picture(as_svg(figure, name, caption), caption)


def _draw(axes: Axes, row: Row, group: _Group, panel: str) -> None:
    """Draw every line, once for each seed, and what it is compared with."""
    for number, line in enumerate(group.lines):
        paint = _paint(number)
        name = f"{group.name}/{panel}/{line}"
        for curve in _curves(row, name):
            axes.plot(*zip(*curve, strict=True), color=paint, linewidth=1.3)
        targets = (curve for target in group.targets for curve in _curves(row, f"{name}*{target}"))
        for value in sorted({value for curve in targets for _, value in curve}):
            axes.axhline(value, color=paint, linestyle=(0, (4, 3)), linewidth=0.8, zorder=1)


def _curves(row: Row, name: str) -> list[list[tuple[int, float]]]:
    """Return (step, value) of a metric for each seed that has it."""
    found = []
    for result in row.cells:
        values = ((point.step, point.metrics.get(name)) for point in result.trajectory)
        found.append([(step, value) for step, value in values if value is not None])
    return [curve for curve in found if curve]


def _finish(figure: Figure, group: _Group, grid: NDArray[Any]) -> None:
    """Labels, few ticks, empty panels away, one legend for all."""
    from matplotlib.lines import Line2D
    from matplotlib.ticker import EngFormatter, MaxNLocator

    grid[0, 0].xaxis.set_major_locator(MaxNLocator(2))
    grid[0, 0].xaxis.set_major_formatter(EngFormatter(sep=""))
    quantity = "probability" if group.is_probability else group.name.replace("_", " ")
    for row, axes_row in zip(group.rows.values(), grid, strict=True):
        if group.is_probability:
            axes_row[0].set(ylim=(-0.03, 1.03), yticks=(0, 0.5, 1))
        else:
            axes_row[0].yaxis.set_major_locator(MaxNLocator(2))
        first = next((axes for axes in axes_row if axes.lines), axes_row[0])
        first.set_ylabel(
            f"{ascii_label(row.method)}\n{ascii_label(quantity)}", fontsize=8.5, color=INK
        )
        first.tick_params(labelleft=True)
    for column in grid.T:
        lowest = next((axes for axes in column[::-1] if axes.lines), column[-1])
        lowest.set_xlabel("step", fontsize=8.5, color=INK)
        lowest.tick_params(labelbottom=True)
    for axes in grid.flat:
        if not axes.lines:
            axes.set_axis_off()
    handles = [
        Line2D([], [], color=_paint(i), label=ascii_label(line))
        for i, line in enumerate(group.lines)
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), labelcolor=INK)


def _paint(number: int) -> str:
    return PALETTE[number % len(PALETTE)]
