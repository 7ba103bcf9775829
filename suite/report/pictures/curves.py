"""Learning curves of experiments, as a grid of small plots: a row for each method.

The metrics of a trajectory that are named "group/panel/line" are drawn (see
`suite.api.scores.CurvePoint`): a picture for each group, a column for each panel. Names are sorted
by the numbers in them: tau=5 before tau=10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from suite.report.colours import INK, PALETTE
from suite.report.pictures.plot import Drawing, ascii_label
from suite.report.svg import report_style
from suite.report.table import Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

WIDTH, ROW, LEFT, TOP, BOTTOM = 6.4, 1.15, 0.7, 0.25, 0.72
"""Inches: a picture's width, the height of a row, and the margins.

They are fixed, because letting matplotlib fit the margins takes seconds.
"""


@dataclass
class _Group:
    """One picture. The dicts without values keep the order of names and drop repetitions."""

    name: str
    panels: dict[str, None] = field(default_factory=dict)
    lines: dict[str, None] = field(default_factory=dict)
    targets: dict[str, None] = field(default_factory=dict)
    """Dashed lines: what a line is compared with."""
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def is_probability(self) -> bool:
        """Whether the final values of the group have the unit "probability"."""
        for row in self.rows.values():
            for value in row.values.values():
                if value.name.startswith(f"{self.name}/") and value.unit == "probability":
                    return True
        return False

    def add(self, row: Row, panel: str, line: str) -> None:
        """Add a curve of a row; "line*target" is the target of a line."""
        line, _, target = line.partition("*")
        self.rows[row.method] = row
        self.panels[panel] = self.lines[line] = None
        if target:
            self.targets[target] = None


def learning_curves(table: Table, name: str) -> list[Drawing]:
    """Draw a picture for each group of curves."""
    found = []
    with report_style():
        for number, group in enumerate(_collect_groups(table), 1):
            found.append(_draw_group(group, f"{name}-{number}"))
    return found


def _collect_groups(table: Table) -> list[_Group]:
    groups: dict[str, _Group] = {}
    for row in table.rows:
        names: set[str] = set()
        for result in row.cells:
            for point in result.trajectory:
                names.update(point.metrics)
        for name in sorted(names, key=_sort_by_number):
            if name.count("/") == 2:
                group, panel, line = name.split("/")
                groups.setdefault(group, _Group(group)).add(row, panel, line)
    return [groups[name] for name in sorted(groups, key=_sort_by_number)]


def _sort_by_number(name: str) -> list[tuple[float, str]]:
    """Return a sort key that compares the numbers in a name as numbers."""
    parts = re.split(r"(\d+(?:\.\d+)?)", name.lower())
    key = []
    for i, part in enumerate(parts):
        is_number = i % 2 == 1  # re.split alternates text and number
        key.append((float(part), "") if is_number else (0.0, part))
    return key


def _draw_group(group: _Group, name: str) -> Drawing:
    from matplotlib.figure import Figure

    height = ROW * len(group.rows) + TOP + BOTTOM
    figure = Figure(figsize=(WIDTH, height))
    # Probabilities can be compared across methods; other quantities may differ in size.
    shared: Literal["all", "row"] = "all" if group.is_probability else "row"
    grid = figure.subplots(
        len(group.rows), len(group.panels), sharex=True, sharey=shared, squeeze=False
    )
    figure.subplots_adjust(
        LEFT / WIDTH, BOTTOM / height, 0.98, 1 - TOP / height, wspace=0.1, hspace=0.15
    )
    for row, axes_row in zip(group.rows.values(), grid, strict=True):
        for panel, axes in zip(group.panels, axes_row, strict=True):
            _draw_panel(axes, row, group, panel)
    for panel, axes in zip(group.panels, grid[0], strict=True):
        axes.set_title(ascii_label(panel.replace("_", " ")), fontsize=8.5, color=INK)
    _label_rows(group, grid)
    _label_steps(grid)
    _remove_empty(grid)
    _add_legend(figure, group)
    caption = f"{group.name.replace('_', ' ')}: learning curves over training steps."
    if group.targets:
        caption += f" Dashed: {', '.join(group.targets)}."
    return Drawing(figure, name, "curves", caption)


def _draw_panel(axes: Axes, row: Row, group: _Group, panel: str) -> None:
    """Draw every line, once for each seed, and the targets that it is compared with."""
    for number, line in enumerate(group.lines):
        paint = _paint(number)
        name = f"{group.name}/{panel}/{line}"
        for curve in _read_curves(row, name):
            axes.plot(*zip(*curve, strict=True), color=paint, linewidth=1.3)
        levels: set[float] = set()
        for target in group.targets:
            for curve in _read_curves(row, f"{name}*{target}"):
                levels.update(value for _, value in curve)
        for level in sorted(levels):
            axes.axhline(level, color=paint, linestyle=(0, (4, 3)), linewidth=0.8, zorder=1)


def _read_curves(row: Row, name: str) -> list[list[tuple[int, float]]]:
    """Return the (step, value) pairs of a metric for each seed that has it."""
    found = []
    for result in row.cells:
        curve = []
        for point in result.trajectory:
            value = point.metrics.get(name)
            if value is not None:
                curve.append((point.step, value))
        if curve:
            found.append(curve)
    return found


def _label_rows(group: _Group, grid: NDArray[Any]) -> None:
    """Label the first panel of each row that has lines."""
    from matplotlib.ticker import MaxNLocator

    quantity = "probability" if group.is_probability else group.name.replace("_", " ")
    for row, axes_row in zip(group.rows.values(), grid, strict=True):
        if group.is_probability:
            axes_row[0].set(ylim=(-0.03, 1.03), yticks=(0, 0.5, 1))
        else:
            axes_row[0].yaxis.set_major_locator(MaxNLocator(2))
        first = next((axes for axes in axes_row if axes.lines), axes_row[0])
        label = f"{ascii_label(row.method)}\n{ascii_label(quantity)}"
        first.set_ylabel(label, fontsize=8.5, color=INK)
        first.tick_params(labelleft=True)


def _label_steps(grid: NDArray[Any]) -> None:
    """Label the lowest panel of each column that has lines; few ticks, for the panels are small."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    grid[0, 0].xaxis.set_major_locator(MaxNLocator(2))
    grid[0, 0].xaxis.set_major_formatter(EngFormatter(sep=""))
    for column in grid.T:
        lowest = next((axes for axes in column[::-1] if axes.lines), column[-1])
        lowest.set_xlabel("step", fontsize=8.5, color=INK)
        lowest.tick_params(labelbottom=True)


def _remove_empty(grid: NDArray[Any]) -> None:
    for axes in grid.flat:
        if not axes.lines:
            axes.set_axis_off()


def _add_legend(figure: Figure, group: _Group) -> None:
    """Add one legend for all panels."""
    from matplotlib.lines import Line2D

    handles = []
    for number, line in enumerate(group.lines):
        handles.append(Line2D([], [], color=_paint(number), label=ascii_label(line)))
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), labelcolor=INK)


def _paint(number: int) -> str:
    return PALETTE[number % len(PALETTE)]
