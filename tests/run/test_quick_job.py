"""The README's main job in small, as a user starts it: random weights, three retain authors, two
epochs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.run.conftest import metrics, suite

FILES = {"results.json", "leaderboard.md", "leaderboard.html", "leaderboard.csv", "config.toml"}


@pytest.fixture(scope="module")
def folder(quick: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first run and, in `again`, the same command on the same store."""
    folder = tmp_path_factory.mktemp("quick")
    for out in ("out", "again"):
        command = ("run", "--methods", "ga,npo", *quick, "--out", str(folder / out))
        done = suite(*command, store=folder / "store")
        assert done.returncode == 0, done.stderr
        (folder / f"{out}.stdout").write_text(done.stdout)
        (folder / f"{out}.stderr").write_text(done.stderr)
    return folder


def test_every_cell_is_there_with_finite_metrics_and_its_epochs(folder: Path) -> None:
    found = metrics(folder / "out")
    assert list(found) == ["target", "retrain", "ga", "npo"]
    for method, (status, values, best, trajectory) in found.items():
        assert status == "ok"
        assert {"forget_quality", "model_utility"} <= {value["name"] for value in values}
        assert all(value["value"] is not None or value["note"] for value in values)
        assert trajectory["epoch"] == ([1, 2] if method in ("ga", "npo") else [])
        assert (best is not None) == (method in ("ga", "npo"))


def test_both_methods_forget(folder: Path) -> None:
    """After two epochs the forget answers are less likely than in the model that the methods start
    from."""
    probability = {}
    for method, (_, values, _, _) in metrics(folder / "out").items():
        by_name = {value["name"]: value["value"] for value in values}
        probability[method] = by_name["forget_answer_probability"]
    assert max(probability["ga"], probability["npo"]) < probability["target"]


def test_the_report_is_written(folder: Path) -> None:
    assert {path.name for path in (folder / "out").iterdir()} >= FILES
    assert len(list((folder / "out" / "samples").glob("*.jsonl"))) == 4
    page = (folder / "out" / "leaderboard.html").read_text()
    assert "model_utility" in page


def test_it_says_at_once_what_it_does_and_at_the_end_where_to_look(folder: Path) -> None:
    first, second, *_ = (folder / "out.stderr").read_text().splitlines()
    assert first == "comparing ga, npo on tofu (model tiny0): reading the data"
    assert second.startswith("rows of the table: target, retrain, ga, npo; ")
    computed, total = map(int, re.findall(r"\d+", second.rpartition(";")[2]))
    assert computed == total > 0
    again = (folder / "again.stderr").read_text().splitlines()
    assert again[1].endswith(f"; 0 of {total} stages to compute")
    *_, page, out = (folder / "out.stdout").read_text().splitlines()
    assert page == f"Page: {out}/leaderboard.html"


def test_its_table_fits_into_80_columns(folder: Path) -> None:
    lines = (folder / "out.stdout").read_text().splitlines()
    text = " ".join(" ".join(lines).split())
    assert max(len(line) for line in lines if not line.startswith(("Page", "/"))) <= 80
    for words in ("forget quality (D)", "model utility", "target", "retrain", "the harmonic mean"):
        assert words in text
    assert "so nothing is ranked" in text  # three retain authors are a part of the questions


def test_the_same_command_computes_nothing_again(folder: Path) -> None:
    assert metrics(folder / "again") == metrics(folder / "out")
    cells = json.loads((folder / "again" / "results.json").read_text())["cells"]
    for cell in cells:
        assert all(timing["cached"] for timing in cell["timings"].values()), cell["cell"]


def test_the_order_of_the_cells_changes_no_bit(
    folder: Path, quick: list[str], tmp_path: Path
) -> None:
    """What a cell leaves behind (random state, a method's fields, the engine's) reaches no other:
    the methods in the other order, in a store of their own, have the same values."""
    command = ("run", "--methods", "npo,ga", *quick, "--out", str(tmp_path / "out"))
    done = suite(*command, store=tmp_path / "store")
    assert done.returncode == 0, done.stderr
    first, second = metrics(folder / "out"), metrics(tmp_path / "out")
    assert list(second) == ["target", "retrain", "npo", "ga"]
    assert {method: second[method] for method in first} == first
