"""The sentences at the top of a page say no more than the ranks do."""

from __future__ import annotations

from dataclasses import replace

from suite.report.outcome import describe_outcome
from suite.report.rank import Rank
from suite.report.table import Table, tables
from suite.results.schema import Results


def ranked(results: Results, *ranks: tuple[int, int]) -> Table:
    """The table with these ranks instead, the best first."""
    (table,) = tables(results)
    rows = [
        replace(row, rank=Rank(*given, front=given[0] == 1))
        for row, given in zip(table.ranked, ranks, strict=True)
    ]
    return replace(table, rows=(*table.baselines, *rows))


def first(table: Table) -> str:
    return describe_outcome(table)[0]


def test_who_may_be_first(results: Results) -> None:
    open_ranks = [(1, 4)] * 4
    assert "each of the 4 may be first" in first(ranked(results, *open_ranks))
    some = ranked(results, (1, 3), (1, 3), (2, 4), (2, 4))
    assert first(some) == "2 of 4 methods may be first: npo_rt, npo."
    clear = ranked(results, (1, 1), (2, 4), (2, 4), (2, 4))
    assert first(clear).startswith("npo_rt is first: it is better than every other method")
    only = ranked(results, (1, 2), (2, 4), (2, 4), (2, 4))
    assert first(only) == "npo_rt is the only method that may be first."


def test_one_start_model_is_said(results: Results) -> None:
    said = "This page describes one start model only"
    assert said in describe_outcome(tables(results)[0])[-1]
    other = tuple(replace(r, cell=replace(r.cell, start_seed=1)) for r in results.cells)
    two = replace(results, cells=(*results.cells, *other))
    assert said not in " ".join(describe_outcome(tables(two)[0]))
