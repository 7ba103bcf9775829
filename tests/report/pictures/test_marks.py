"""Colours and marks: eleven methods differ in colour, seventeen in colour or mark."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.report.colours import DARK, PALETTE
from suite.report.pictures.marks import marker_of, outline, paint_of
from suite.report.table import Table, tables
from suite.results.schema import Results


def table_of(results: Results, methods: int) -> Table:
    (table,) = tables(results)
    row = table.methods[0]
    return replace(table, rows=tuple(replace(row, method=f"m{i:02}") for i in range(methods)))


@pytest.mark.parametrize("count", [11, 17, 60])
def test_methods_can_be_told_apart(results: Results, count: int) -> None:
    table = table_of(results, count)
    looks = [(paint_of(table, row.method), marker_of(table, row.method)) for row in table.rows]
    assert len(set(looks)) == count
    assert len({paint for paint, _ in looks}) == min(count, 11)
    assert len({outline(marker) for _, marker in looks}) == min(count, 11)


def test_there_are_as_many_colours_on_dark_ground() -> None:
    assert len(set(PALETTE)) == len(set(DARK)) == 11
