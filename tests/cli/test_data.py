"""`suite data` on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from suite.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "forget.jsonl").write_text('{"question": "Who?", "answer": "Ann."}\n')
    return tmp_path


def test_a_folder_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "length of a text in words" in shown
    assert "no holdout: no value for membership_auc" in shown
    assert "overlap: none" in shown


def test_json_is_the_same_as_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", str(folder), "--model", "tiny", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unit"] == "tokens of tiny"
    assert found["trained"][0]["longest"] == 6


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_hostile_column_steers_no_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    row = {"question": "Who?", "answer": "Ann.", "id": "a", "note\x1b[31m\x9b\u202e": "x"}
    (folder / "holdout.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n")
    main(["data", str(folder), *options])
    said = capsys.readouterr()
    assert not set(said.out + said.err) & set("\x1b\x9b\u202e")


def test_without_a_folder_the_formats_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "--bench", "preferences"]) == 0
    assert '"chosen": "Paris."' in capsys.readouterr().out
    assert main(["data", "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [file["name"] for file in files if file["required"]] == ["forget"]


def test_a_mistake_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", str(folder), "--bench", "bandit"]) == 2
    assert capsys.readouterr().err == "suite: error: benchmark 'bandit' reads no --data\n"
    (folder / "forget.jsonl").rename(folder / "forgot.jsonl")
    assert main(["data", str(folder)]) == 2
    assert "the nearest are forgot" in capsys.readouterr().err


def test_torch_is_not_imported(folder: Path) -> None:
    code = (
        "import sys; from suite.cli import main\n"
        f"assert main(['data', {str(folder)!r}, '--model', 'tiny']) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
