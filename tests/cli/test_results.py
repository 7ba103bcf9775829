"""Reading results.json for reports and exports: files that are older than declared pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from suite.cli import main
from suite.cli.results import read_results
from suite.registry import Registry
from suite.registry.outputs import outputs_of
from suite.results import schema
from suite.results.outputs import Outputs

PUBLISHED = Path(__file__).parents[2] / "reports" / "tofu_smollm2_reduced"


def older(out: Path, benchmark: str) -> Path:
    """The published TOFU run as a file without declarations, of a benchmark of that name."""
    results = schema.read(PUBLISHED / "results.json")
    (table,) = results.comparisons
    table = replace(table, benchmark=benchmark, outputs=None)
    cells = []
    for result in results.cells:
        cells.append(replace(result, cell=replace(result.cell, benchmark=benchmark)))
    out.mkdir()
    schema.write(replace(results, comparisons=(table,), cells=tuple(cells)), out / "results.json")
    return out


def test_an_older_file_gets_what_the_installed_benchmark_declares(tmp_path: Path) -> None:
    (table,) = read_results(older(tmp_path / "run", "tofu")).comparisons
    assert table.outputs == outputs_of(Registry.load().benchmark("tofu"))


def test_a_file_with_declarations_is_read_without_any_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = older(tmp_path / "run", "tofu")
    schema.write(read_results(run), run / "results.json")
    monkeypatch.setattr("suite.registry.Registry.load", lambda *_: pytest.fail("plugins loaded"))
    (table,) = read_results(run).comparisons
    assert table.outputs is not None
    titles = [column.title for column in table.outputs.columns]
    assert titles == ["D", "", "author p"]  # model_utility keeps its name, and has a sentence
    assert table.outputs.tells(table.primary)
    assert main(["report", str(run)]) == 0
    assert "D: the test's statistic" in (run / "leaderboard.md").read_text()


def test_without_the_benchmark_one_line_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = older(tmp_path / "run", "of_somebody_else")
    (table,) = read_results(run).comparisons
    assert table.outputs is None
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "only pictures that suit any benchmark are drawn: unknown benchmark" in said
    read_results(older(tmp_path / "hostile", "of_somebody\x1b[31m\u202e"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert not set(said) & set("\x1b\u202e")
    assert main(["report", str(run)]) == 0
    page = (run / "leaderboard.html").read_text()
    assert page.count("<figure>") == 3  # the trade-off, and the course of both headline metrics
    (again,) = schema.read(run / "results.json").comparisons
    assert again.outputs is None  # a later report may know more
    assert Outputs().columns == ()
