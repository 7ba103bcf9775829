"""Tables in the terminal: at 80 columns no word is cut and no column is a tower."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from suite.cli import main
from suite.cli.tables import show_table
from tests.run.conftest import write_tables


def shown(rows: list[dict[str, Any]], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    show_table("things", rows, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


WIDE = [
    {
        "name": f"edit_distance_{number}",
        "splits": ["low", "high", "low_short", "high_short", "low_long", "high_long"],
        "metrics": ["length_controlled_win_rate", f"log_ratio_accuracy_{number}"],
        "offers": ["demonstrations", "mismatched", "pairs", f"prompts_{number}"],
        "what": f"Pairs of derivations that differ in one token, or in {number}.",
    }
    for number in range(2)
]


@pytest.mark.parametrize("width", [50, 80, 87, 100, 123, 200])
def test_no_word_is_cut_at_any_width(width: int) -> None:
    out = shown(WIDE, width)
    for row in WIDE:
        for value in (row["name"], *row["metrics"], *row["offers"], *row["what"].split()):
            assert value in out
    assert max(map(len, out.splitlines())) <= width


def test_what_fits_is_a_table_and_what_does_not_a_list() -> None:
    rows = [{"name": "ga", "what": "Ascent."}, {"name": "npo", "what": "Negative preference."}]
    assert "───" in shown(rows)
    assert "───" not in shown(WIDE)


def test_what_all_rows_share_stands_once() -> None:
    rows = [{"name": str(number), "from": "acme 1.0"} for number in range(3)]
    assert shown(rows).count("acme 1.0") == 1
    assert shown(rows[:1]).count("acme 1.0") == 1


def test_a_column_of_text_keeps_room_for_some_words() -> None:
    rows = [
        {"name": "x" * 40, "what": "several words that follow each other"},
        {"name": "y", "what": ""},
    ]
    lines = [line for line in shown(rows, 80).splitlines() if "words" in line]
    assert "several words that" in lines[0]


def test_no_rows_are_said_to_be_none() -> None:
    assert "none" in shown([])


def test_what_plugins_say_steers_no_terminal() -> None:
    assert "\x1b" not in shown([{"name": "\x1b[31mred", "what": "[bold]x[/bold]"}])
    assert "[bold]x[/bold]" in shown([{"name": "a", "what": "[bold]x[/bold]"}])


@pytest.fixture
def labels(tmp_path: Path) -> str:
    """Labels of a person and two judges, in a file for `suite agreement`."""
    lines = ["item,slice,human,judge_with_a_long_name,another_judge_with_a_long_name"]
    for number in range(12):
        kind = "summarisation" if number % 2 else "dialogue"
        lines.append(f"{number},{kind},first,{'first' if number % 3 else 'second'},first")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return str(tmp_path / "labels.csv")


@pytest.mark.parametrize("command", ["list", "plugins", "data", "agreement"])
def test_no_command_loses_a_word_at_80_columns(
    command: str,
    labels: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = str(write_tables(tmp_path / "world"))
    further = {"data": [world, "--bench", "tofu", "--model", "tiny"], "agreement": [labels]}
    words = []
    for width in ("80", "400"):
        monkeypatch.setenv("COLUMNS", width)
        assert main([command, *further.get(command, [])]) == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= int(width)
        words.append({word for word in out.split() if word.strip("─━")})
    assert words[0] == words[1]
