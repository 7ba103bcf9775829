"""`suite agreement`: kappa against scikit-learn's, slices, several people for an item, bad
files."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.cli import main


def write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def table(
    capsys: pytest.CaptureFixture[str], *arguments: str
) -> dict[tuple[str, str], dict[str, Any]]:
    assert main(["agreement", *arguments, "--json"]) == 0
    return {(row["slice"], row["with human"]): row for row in json.loads(capsys.readouterr().out)}


def noisy(seed: int, n: int = 120, right: float = 0.8) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    human = rng.choice(["A", "B", "tie"], n, p=[0.5, 0.4, 0.1])
    judge = np.where(rng.random(n) < right, human, rng.choice(["A", "B", "tie"], n))
    return human.tolist(), judge.tolist()


@pytest.mark.parametrize("ordinal", [None, "A,tie,B"])
def test_kappa_is_scikit_learns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ordinal: str | None
) -> None:
    from sklearn.metrics import cohen_kappa_score

    human, judge = noisy(1)
    file = write(tmp_path / "labels.csv", ["human", "judge"], list(zip(human, judge, strict=True)))
    row = table(capsys, str(file), *(["--ordinal", ordinal] if ordinal else []))["all", "judge"]
    labels, weights = (ordinal.split(","), "quadratic") if ordinal else (None, None)
    assert row["kappa"] == pytest.approx(
        cohen_kappa_score(human, judge, labels=labels, weights=weights)
    )
    assert row["raw"] == pytest.approx(np.mean(np.array(human) == np.array(judge)))
    assert row["kappa_low"] < row["kappa"] < row["kappa_high"]
    assert (row["pairs"], row["items"]) == (120, 120)


def test_every_slice_and_judge_has_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    human, simple = noisy(2)
    _, concise = noisy(3)
    where = ["sft", "ppo"] * 60
    rows = list(zip(human, simple, concise, where, strict=True))
    found = table(
        capsys,
        str(write(tmp_path / "a.csv", ["human", "judge_simple", "judge_concise", "slice"], rows)),
    )
    assert set(found) == {
        (s, j) for s in ("all", "sft", "ppo") for j in ("judge_simple", "judge_concise")
    }
    share = np.mean([h == s for h, s, _, w in rows if w == "sft"])
    assert found["sft", "judge_simple"]["raw"] == pytest.approx(share)


def test_people_are_compared_with_each_other_where_an_item_has_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of three pairs of item 1 differ, item 2 has one pair, which agrees, item 3 one person."""
    rows = [
        ("1", "A", "A"),
        ("1", "A", "A"),
        ("1", "B", "A"),
        ("2", "B", "B"),
        ("2", "B", "B"),
        ("3", "A", "B"),
    ]
    lines = [json.dumps(dict(zip(("item", "human", "judge"), row, strict=True))) for row in rows]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    found = table(capsys, str(tmp_path / "a.jsonl"))
    people = found["all", "human"]
    assert (people["pairs"], people["items"]) == (4, 2)
    assert people["raw"] == pytest.approx(2 / 4)
    # Labels of the pairs in both orders: AA AA AB BA AB BA BB BB, so half agree, and half would by
    # chance.
    assert people["kappa"] == pytest.approx(0.0)
    assert found["all", "judge"]["raw"] == pytest.approx(4 / 6)
    assert found["all", "judge"]["items"] == 3


def test_a_constant_judge_has_no_kappa(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = table(
        capsys, str(write(tmp_path / "a.csv", ["human", "judge"], [("A", "A"), ("A", "A")]))
    )["all", "judge"]
    assert row["kappa"] is None and row["note"] == "both raters give one rating only"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("human,gpt\nA,A\n", "needs columns 'human' and 'judge...', there are human, gpt"),
        ("human,judge\nA,\n", "line 2, 'judge': an empty text"),
        ("human,judge\n", "is empty"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert main(["agreement", str(tmp_path / "a.csv")]) == 2
    assert message in capsys.readouterr().err


def test_a_label_outside_the_scale_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "a.csv", ["human", "judge"], [("A", "B"), ("B", "tie")])
    assert main(["agreement", str(file), "--ordinal", "A,B"]) == 2
    assert "--ordinal: 'tie' is a label too" in capsys.readouterr().err
