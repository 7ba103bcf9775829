"""What a table says, in a sentence or two: for the top of a page and the end of a run."""

from __future__ import annotations

from collections.abc import Iterator

from suite.api.finished import FINISHED
from suite.report.numbers import listed
from suite.report.robustness import leaking
from suite.report.table import Table

FEW = 5
"""So many methods are named; more are only counted, for the table names them."""
NO_MODEL = "none"
"""The model of an experiment, which trains a problem of its own."""


def describe_outcome(table: Table) -> list[str]:
    """Say who may be first, who is on the Pareto front, and what the numbers are about."""
    return [*_describe_ranks(table), *leaking(table), *_describe_scope(table)]


def _describe_ranks(table: Table) -> Iterator[str]:
    if table.all_partial:
        yield "Every model was evaluated on a part of the questions, so nothing is ranked."
    elif not table.axes:
        yield "Nothing is ranked: no headline metric defines which direction is better."
    elif not table.ranked:
        yield "No method is ranked."
    else:
        yield _describe_first(table)
        if len(table.axes) > 1:
            front = ", ".join(row.method for row in table.front)
            yield f"On the Pareto front of {_axes(table)}: {front}."


def _describe_first(table: Table) -> str:
    """Say which methods may have rank 1; see `suite.report.rank`."""
    count = len(table.ranked)
    first = [row for row in table.ranked if row.rank and row.rank.place == 1]
    names = ", ".join(row.method for row in first)
    if count == 1:
        return f"{names} is the only ranked method."
    if len(first) == count:
        return f"No method is shown to be better than another: each of the {count} may be first."
    if len(first) > 1:
        named = f": {names}" if len(first) <= FEW else ""
        return f"{len(first)} of {count} methods may be first{named}."
    if first[0].rank and not first[0].rank.tied:
        return f"{names} is first: it is better than every other method by more than chance."
    return f"{names} is the only method that may be first."


def _axes(table: Table) -> str:
    return listed([table.heading(name).replace("_", " ") for name in table.axes])


def _describe_scope(table: Table) -> Iterator[str]:
    if all(row.family == FINISHED for row in table.methods):
        return  # each is a model of its own
    starts = {seed for row in table.rows for seed in row.start_seeds}
    if len(starts) == 1 and table.comparison.model != NO_MODEL:
        yield (
            "This page describes one start model only: from another one, the order of the methods "
            "may differ."
        )
