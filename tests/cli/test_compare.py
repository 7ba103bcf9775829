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
    assert "different data" in err and "0000" not in err and err.count("\n") == 1
    assert "--compare" in err
    assert main([*command, "--compare"]) == 0
    assert "Not comparable with the table tofu forget01" in " ".join(
        capsys.readouterr().out.split()
    )
    joined = json.loads((tmp_path / "both" / "leaderboard.json").read_text())
    assert [table["split"] for table in joined["tables"]] == ["forget01", "forget01 @ other"]
    first, second = joined["tables"]
    assert [row["method"] for row in first["rows"]] == [row["method"] for row in second["rows"]]
    page = (tmp_path / "both" / "leaderboard.html").read_text()
    assert "Not comparable with the table tofu forget01" in page
    assert "Not comparable" in (tmp_path / "both" / "leaderboard.md").read_text()


def test_a_joined_report_is_a_run_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads((RUN / "results.json").read_text())
    names = {cell["cell"]["method"] for cell in content["cells"] if cell["family"] != "baseline"}
    for name, methods in {"a": {"ga", "npo"}, "b": names - {"ga", "npo"}}.items():
        part = shutil.copytree(RUN, tmp_path / name)
        cells = [
            c
            for c in content["cells"]
            if c["family"] == "baseline" or c["cell"]["method"] in methods
        ]
        run = {**content["run"], "command": f"suite run --out {name}"}
        (part / "results.json").write_text(json.dumps({**content, "run": run, "cells": cells}))
    both = tmp_path / "both"
    assert main(["report", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(both)]) == 0
    page = (both / "leaderboard.html").read_text()
    assert {path.name for path in (both / "samples").iterdir()} == {
        path.name for path in (RUN / "samples").iterdir()
    }
    assert "suite run --out a" in page and "suite run --out b" in page
    assert "Truth ratios of the forget questions" in page and "after each epoch" in page
    assert page.count("evaluated on a part of the questions") == 2  # above the table and below it
    written = {path.name: path.read_bytes() for path in both.glob("leaderboard.*")}
    assert main(["report", str(both)]) == 0
    assert {path.name: path.read_bytes() for path in both.glob("leaderboard.*")} == written
