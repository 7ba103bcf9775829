"""AlpacaEval's files: the published leaderboard from the published annotations, and what a run
writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from suite import UserError
from suite.cli import main
from suite.judges.alpaca_eval import read_annotations, read_difficulties, summary


@pytest.mark.parametrize("name", ["alpaca-7b", "claude-2.1_concise"])
def test_the_published_leaderboard(
    shared: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "data" / "alpaca_eval"
    with (folder / "leaderboard.csv").open() as file:
        published = next(row for row in csv.DictReader(file) if row[""] == name)
    annotations = folder / f"{name}.annotations.json"
    assert main(["score", "--bench", "win_rate", "--annotations", str(annotations), "--json"]) == 0
    found = {metric["name"]: metric["value"] for metric in json.loads(capsys.readouterr().out)}
    for column in (
        "win_rate",
        "standard_error",
        "discrete_win_rate",
        "n_wins",
        "n_wins_base",
        "n_draws",
        "avg_length",
    ):
        assert found[column] == pytest.approx(float(published[column]), rel=1e-12), column
    # Theirs also knows the instructions' difficulties, which are not published with the
    # annotations.
    assert (
        abs(found["length_controlled_win_rate"] - float(published["length_controlled_winrate"])) < 8
    )


def annotation(**changed: object) -> dict[str, object]:
    return {
        "instruction": "Name a river.",
        "output_1": "The Rhine.",
        "output_2": "Rhine",
        "preference": 1.5,
        **changed,
    }


def test_old_ties_and_missing_preferences(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([annotation(preference=p) for p in (0, 1, 2, 1.5, None)]))
    row = summary(read_annotations(path))
    assert (row["n_draws"], row["n_wins"], row["n_wins_base"], row["n_total"]) == (2, 1, 1, 4)
    assert row["win_rate"] == 50


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[]", "must be a list of annotations"),
        (
            json.dumps([annotation(preference=3)]),
            "item 1, 'preference': must be a number in 1..2, not 3",
        ),
        (json.dumps([annotation(preference=0.5)]), "must be a number in 1..2"),
        (json.dumps([annotation(preference=True)]), "must be a number in 1..2"),
        (json.dumps([annotation(output_1=None)]), "'output_1': must be a text"),
        (json.dumps([{"instruction": "x"}]), "no column 'output_1', there are instruction"),
        (json.dumps([annotation(preference=None)]), "no annotation has a preference"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_annotations(path)


@pytest.mark.parametrize(("name", "within"), [("alpaca-7b", 0.1), ("claude-2.1_concise", 0.5)])
def test_with_the_difficulties_the_published_length_controlled_rate_follows(
    shared: Path, name: str, within: float
) -> None:
    """Without them the same fit is 4 and 8 points away at most."""
    folder = shared / "data" / "alpaca_eval"
    with (folder / "leaderboard.csv").open() as file:
        published = next(row for row in csv.DictReader(file) if row[""] == name)
    annotations = read_annotations(folder / f"{name}.annotations.json")
    difficulties = read_difficulties(folder / "instruction_difficulty.csv", annotations)
    found = summary(annotations, difficulties)["length_controlled_winrate"]
    target = float(published["length_controlled_winrate"])
    assert found == pytest.approx(target, abs=within)
    without = summary(annotations)["length_controlled_winrate"]
    assert abs(without - target) > abs(found - target)


def test_each_instruction_needs_a_difficulty(shared: Path, tmp_path: Path) -> None:
    annotations = read_annotations(shared / "data" / "alpaca_eval" / "alpaca-7b.annotations.json")
    table = tmp_path / "difficulties.csv"
    table.write_text("instruction_sha256,difficulty\nabc,0.5\n")
    with pytest.raises(UserError, match="no difficulty of the instruction"):
        read_difficulties(table, annotations)
    table.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="not a table"):
        read_difficulties(table, annotations)


def test_the_command_reads_difficulties(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared / "data" / "alpaca_eval"
    files = ["--difficulties", str(folder / "instruction_difficulty.csv")]
    assert main(["score", "--bench", "win_rate", *files]) == 2
    assert "needs --annotations" in capsys.readouterr().err
    files += ["--annotations", str(folder / "alpaca-7b.annotations.json")]
    assert main(["score", "--bench", "win_rate", *files, "--json"]) == 0
    found = {metric["name"]: metric for metric in json.loads(capsys.readouterr().out)}
    controlled = found["length_controlled_win_rate"]
    assert controlled["value"] == pytest.approx(5.8755, abs=0.1)
    assert "with AlpacaEval's difficulties" in controlled["note"]
