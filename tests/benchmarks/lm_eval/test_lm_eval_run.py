"""Whole runs: the model alone, and (slow) what a method made of it on another benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.cli import main
from tests.run.conftest import suite, write_tables


def results(out: Path) -> Any:
    return json.loads((out / "results.json").read_text())


def test_a_third_partys_task_on_the_model_alone(
    capsys: pytest.CaptureFixture[str], tiny_folder: Path, tasks: Path, tmp_path: Path
) -> None:
    flags = [
        "run",
        "--bench",
        "lm_eval:acme_capitals",
        "--model",
        str(tiny_folder),
        "--dtype",
        "float32",
    ]
    flags += ["--set", f"lm_eval.include_path={tasks}"]
    store = ["--store", str(tmp_path / "store"), "--out"]
    assert main([*flags, *store, str(tmp_path / "out")]) == 0
    assert "Running loglikelihood" in capsys.readouterr().err
    found = results(tmp_path / "out")
    (cell,), (table,) = found["cells"], found["comparisons"]
    assert (cell["cell"]["method"], cell["cell"]["benchmark"], cell["status"]) == (
        "base",
        "lm_eval:acme_capitals",
        "ok",
    )
    assert (table["benchmark"], table["primary"]) == ("lm_eval:acme_capitals", ["acc", "acc_norm"])
    assert "acme_capitals (docs.jsonl, version 1.5)" in table["revision"]
    assert "lm_eval:acme_capitals" in (tmp_path / "out" / "leaderboard.md").read_text()
    (samples,) = (tmp_path / "out" / "samples").glob("*.jsonl")
    assert len(samples.read_text().splitlines()) == 13
    assert main([*flags, *store, str(tmp_path / "again")]) == 0
    assert "Running loglikelihood" not in capsys.readouterr().err
    assert results(tmp_path / "again")["cells"][0]["metrics"] == cell["metrics"]


@pytest.mark.slow
def test_every_model_of_another_benchmark(tiny_folder: Path, tasks: Path, tmp_path: Path) -> None:
    data = write_tables(tmp_path / "world")
    sets = [
        "finetune.epochs=1",
        "train.epochs=1",
        "train.lr=1e-2",
        "train.batch_size=16",
        f"lm_eval.include_path={tasks}",
    ]
    flags = [
        "run",
        "--methods",
        "ga",
        "--bench",
        "tofu,lm_eval:acme_group",
        "--model",
        str(tiny_folder),
    ]
    flags += [
        "--data",
        str(data),
        "--limit",
        "2",
        *(part for item in sets for part in ("--set", item)),
    ]
    done = suite(*flags, "--out", str(tmp_path / "out"), store=tmp_path / "store")
    assert done.returncode == 0, done.stderr
    cells = [
        c
        for c in results(tmp_path / "out")["cells"]
        if c["cell"]["benchmark"] == "lm_eval:acme_group"
    ]
    assert [(c["cell"]["method"], c["status"], c["partial"]) for c in cells] == [
        ("target", "ok", True), ("retrain", "ok", True), ("ga", "ok", True),
    ]  # fmt: skip
    assert all(cell["metrics"][0]["n"] == 4 for cell in cells)
