"""The terminal: as much as fits, and no number without its end."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from suite import report
from suite.api.scores import Metric
from suite.report.table import tables
from suite.results.schema import Results


def shown(results: Results, width: int) -> str:
    stream = io.StringIO()
    report.terminal(results, Console(file=stream, width=width, color_system=None))
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_is_cut(results: Results, width: int) -> None:
    author = Metric("forget_quality_author_p", 0.0625, True, "p-value", 200, 10)
    results = replace(
        results,
        cells=tuple(
            replace(r, metrics=(*r.metrics, author)) if r.metrics else r for r in results.cells
        ),
    )
    text = shown(results, width)
    assert max(map(len, text.splitlines())) <= width
    finished = {r.cell.method for r in results.cells if r.status == "ok"}
    assert text.count("author p 0.062") == len(finished)  # .0625 to three digits
    assert len(re.findall(r"(?<!author )\bp \d\.\d", text)) == len(finished)
    assert "forget quality (D)" in " ".join(text.split())


def test_what_is_partial_is_said_once(results: Results) -> None:
    cells = tuple(replace(r, partial=True) for r in results.cells if r.status == "ok")
    text = " ".join(shown(replace(results, cells=cells), 80).split())
    assert text.count("artial") == 1
    assert "nothing is ranked" in text and "ranked by" not in text


def test_the_end_says_the_outcome_and_where_the_page_is(results: Results) -> None:
    stream = io.StringIO()
    page = Path("/a/long/folder/that/no/narrow/terminal/may/break/leaderboard.html")
    report.terminal(results, Console(file=stream, width=40, color_system=None), page)
    lines = stream.getvalue().rstrip().splitlines()
    assert lines[-1] == f"Page: {page}"
    told = " ".join(" ".join(lines[-12:-1]).split())
    assert "No method is shown to be better than another: each of the 4 may be first." in told
    assert "This page describes one start model only" in told


def test_what_the_numbers_are_and_their_unit_is_said(results: Results) -> None:
    text = " ".join(shown(results, 80).split())
    for table in tables(results):
        for name in table.primary:
            assert table.meaning(name) in text
    assert any(table.meaning(name) for table in tables(results) for name in table.primary)
