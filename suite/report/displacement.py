"""Displaced pairs: how often training made even the preferred answer less likely, by how far the two answers differ."""

from __future__ import annotations

from collections.abc import Iterator

from suite.report.pictures import Picture, ascii_label, figure_of, legend, paint_of
from suite.report.svg import as_svg, report_style
from suite.report.table import Table
from suite.report.values import bars

BUCKETS = ("low", "medium", "high")
"""Of edit distance, as in metrics `displaced_low`, ..."""


def displacement(table: Table, name: str) -> Iterator[Picture]:
    """Draw a group of bars for each bucket, if the table reports it; `name` starts the picture's identifiers."""
    rows = [
        row
        for row in table.methods
        if any(f"displaced_{bucket}" in row.values for bucket in BUCKETS)
    ]
    if not rows:
        return
    with report_style():
        figure, axes = figure_of()
        width = 0.8 / len(rows)
        for number, row in enumerate(rows):
            known = [(i, row.values.get(f"displaced_{bucket}")) for i, bucket in enumerate(BUCKETS)]
            shown = [
                (i, value) for i, value in known if value is not None and value.value is not None
            ]
            places = [i + (number + 0.5) * width - 0.4 for i, _ in shown]
            paint = paint_of(table, row.method)
            axes.bar(
                places,
                [value.value or 0.0 for _, value in shown],
                0.9 * width,
                color=paint,
                label=ascii_label(row.method),
            )
            for place, (_, value) in zip(places, shown, strict=True):
                if (spread := bars(value)) is not None:
                    axes.errorbar(
                        place,
                        value.value or 0.0,
                        spread,
                        fmt="none",
                        ecolor=paint,
                        elinewidth=1,
                        capsize=2,
                    )
        axes.set_xticks(range(len(BUCKETS)), BUCKETS)
        axes.set(
            xlabel="edit distance between the two answers",
            ylabel="share of pairs displaced",
            ylim=(0, 1.02),
        )
        legend(figure, axes)
        caption = "Displaced pairs: the preferred answer became less likely than under the reference, by how much the "
        caption += "two answers differ. With the spread where known."
        yield Picture(as_svg(figure, name, caption), caption)
