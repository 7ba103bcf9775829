"""`suite report a b`: runs that cannot be compared are refused, or with --compare marked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from suite.cli import main

RUN = Path(__file__).parents[2] / "reports" / "tofu_smollm2_reduced"


def test_runs_on_other_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = shutil.copytree(RUN, tmp_path / "other")
    content = json.loads((other / "results.json").read_text())
    content["comparisons"][0]["revision"] = "tofu@0000"
    (other / "results.json").write_text(json.dumps(content))
    command = ["report", str(RUN), str(other), "--out", str(tmp_path / "both")]
    assert main(command) == 2
    err = capsys.readouterr().err
    assert "their revision differs" in err and err.count("\n") == 1
    assert main([*command, "--compare"]) == 0
    capsys.readouterr()
    joined = json.loads((tmp_path / "both" / "leaderboard.json").read_text())
    assert [table["split"] for table in joined["tables"]] == ["forget01", "forget01 @ other"]
    first, second = joined["tables"]
    assert [row["method"] for row in first["rows"]] == [row["method"] for row in second["rows"]]
    page = (tmp_path / "both" / "leaderboard.html").read_text()
    assert "Not comparable with the table tofu forget01" in page
    assert "Not comparable" in (tmp_path / "both" / "leaderboard.md").read_text()
