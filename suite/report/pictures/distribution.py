"""The cumulative distributions of an item score: TOFU's truth ratios on the forget set,
for example.

The largest gap between a method's curve and the baseline model's is the KS statistic D.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from suite.api.pictures import Distribution
from suite.report.pictures.marks import colour, dashes_of, paint_of
from suite.report.pictures.plot import (
    Drawing,
    ascii_label,
    axis_label,
    figure_of,
    finished_rows,
    legend,
)
from suite.report.svg import report_style
from suite.report.table import Row, Table
from suite.results.samples import Sample


def distribution(
    table: Table, declared: Distribution, name: str, samples: Mapping[str, Sequence[Sample]]
) -> Iterator[Drawing]:
    """Draw the distributions, if at least two models have such scores."""
    curves = {}
    for row in finished_rows(table):
        values = _collect_values(row, declared, samples)
        if values:
            curves[row.method] = values
    if len(curves) < 2:
        return
    with report_style():
        yield _draw(table, declared, curves, name)


def _draw(
    table: Table, declared: Distribution, curves: Mapping[str, Sequence[float]], name: str
) -> Drawing:
    figure, axes = figure_of()
    for method, values in curves.items():
        dashes, width = dashes_of(table, method), 1.3
        if colour(table, method) is None:
            # Baselines are all drawn in ink: the one that methods are compared with is solid.
            dashes, width = ("-" if method == table.comparison.baseline else ":"), 2.2
        axes.ecdf(
            values,
            color=paint_of(table, method),
            linestyle=dashes,
            linewidth=width,
            label=ascii_label(method),
        )
    label = axis_label(declared.label, declared.metric)
    axes.set_xlabel(label)
    axes.set_ylabel("share of questions below")
    legend(figure, axes)
    caption = declared.caption or f"Cumulative distributions of the questions' {label}."
    return Drawing(figure, name, declared.kind, caption)


def _collect_values(
    row: Row, declared: Distribution, samples: Mapping[str, Sequence[Sample]]
) -> list[float]:
    values = []
    for result in row.cells:
        for sample in samples.get(result.cell.slug, ()):
            value = sample.scores.get(declared.metric)
            if declared.set in ("", sample.set) and value is not None:
                values.append(value)
    return values
