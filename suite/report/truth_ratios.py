"""The truth ratios behind forget quality: their cumulative distributions on the forget set.

The largest gap between a method's curve and the baseline model's is the KS statistic D.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from suite.report.pictures import (
    Picture,
    ascii_label,
    colour,
    dashes_of,
    figure_of,
    finished_rows,
    legend,
    paint_of,
)
from suite.report.svg import as_svg, report_style
from suite.report.table import Row, Table
from suite.results.samples import Sample


def truth_ratios(
    table: Table, name: str, samples: Mapping[str, Sequence[Sample]]
) -> Iterator[Picture]:
    """Draw the distributions, if at least two models have truth ratios."""
    curves = {}
    for row in finished_rows(table):
        ratios = _collect_log_ratios(row, samples)
        if ratios:
            curves[row.method] = ratios
    if len(curves) < 2:
        return
    with report_style():
        yield _draw(table, curves, name)


def _draw(table: Table, curves: Mapping[str, Sequence[float]], name: str) -> Picture:
    figure, axes = figure_of()
    for method, ratios in curves.items():
        dashes, width = dashes_of(table, method), 1.3
        if colour(table, method) is None:
            # Baselines are all drawn in ink: the one that methods are compared with is solid.
            dashes, width = ("-" if method == table.comparison.baseline else ":"), 2.2
        axes.ecdf(
            ratios,
            color=paint_of(table, method),
            linestyle=dashes,
            linewidth=width,
            label=ascii_label(method),
        )
    axes.set_xlabel("ln truth ratio, forget set")
    axes.set_ylabel("share of questions below")
    legend(figure, axes)
    caption = (
        "Truth ratios of the forget questions, as cumulative distributions. Forget quality tests "
        "whether a method's truth ratios have the same distribution as those of the "
        f"{table.comparison.baseline} model. The largest vertical gap between the two curves is "
        "the KS statistic D."
    )
    return Picture(as_svg(figure, name, caption), caption)


def _collect_log_ratios(row: Row, samples: Mapping[str, Sequence[Sample]]) -> list[float]:
    ratios = []
    for result in row.cells:
        for sample in samples.get(result.cell.slug, ()):
            ratio = sample.scores.get("log_truth_ratio")
            if sample.set == "forget" and ratio is not None:
                ratios.append(ratio)
    return ratios
