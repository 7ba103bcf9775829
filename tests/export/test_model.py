"""A model that is taken out of a run loads with transformers alone, and its card says how it was
made."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from suite.api.cells import Cell, CellResult
from suite.api.scores import Metric
from suite.cli import main
from suite.core.errors import UserError
from suite.export.model import card_files, cell_of, export_model, licence_of
from suite.results.schema import Results, Run
from suite.tiny import world

RESULT = CellResult(
    Cell("npo:beta=0.5", "tofu", "forget10", "owner/base", 0),
    "ok",
    "unlearning",
    metrics=(
        Metric("forget_quality", 0.25, True, n=40, note="p | of a test"),
        Metric("privleak", None, None, note="no retrain model"),
    ),
    notes=("bf16 <b>gain</b>",),
)
CONFIG = {"data": "locuslab/TOFU", "train": {"lr": 1e-5}, "sections": {"npo": {"beta": 0.5}}}
RESULTS = Results(
    Run("suite run --methods npo:beta=0.5", "hf", "float32", "chat", "cpu", config=CONFIG),
    (),
    (RESULT,),
)


def head(card: str) -> dict[str, object]:
    values: dict[str, object] = yaml.safe_load(card.split("---\n")[1])
    return values


def test_the_card_names_data_method_settings_metrics_and_licence() -> None:
    files = card_files(RESULTS, RESULT, "apache-2.0")
    card = files["README.md"]
    assert head(card) == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["unlearning", "npo", "suite-compare"],
        "base_model": "owner/base",
        "datasets": ["locuslab/TOFU"],
        "license": "apache-2.0",
    }
    assert "beta = 0.5" in card and "lr = 1e-05" in card
    assert "0.25" in card and "no retrain model" in card
    assert "<b>" not in card  # texts of others are inert
    assert "p | of" not in card


def test_the_hubs_result_file_is_read_back_by_its_library() -> None:
    from huggingface_hub import parse_eval_result_entries

    content = card_files(RESULTS, RESULT, None)[".eval_results/tofu.yaml"]
    (entry,) = parse_eval_result_entries(yaml.safe_load(content))
    assert (entry.dataset_id, entry.value) == ("locuslab/TOFU", 0.25)
    assert entry.task_id == "tofu_forget10_forget_quality"


STEERING = "\x1b[31m\x07\x9b\u202e\x00\r"
STEERS = frozenset("\x1b\x07\x9b\u202e\x00\r")


def test_a_card_of_somebody_else_s_run_is_inert() -> None:
    """Whatever results.json claims: no escape code, no markup, and nothing ends a block of code."""
    bad = f"{STEERING}\n```\n# heading <script>"
    sections = {"npo": {"beta": bad}, bad: {bad: bad}}
    run = replace(
        RESULTS.run,
        command=bad,
        dtype=bad,
        config={**CONFIG, "sections": sections, "data": f"owner/{bad}"},
        versions={bad: bad},
    )
    cell = replace(RESULT, cell=replace(RESULT.cell, split=bad, model=bad), notes=(bad,))
    files = card_files(replace(RESULTS, run=run), cell, bad)
    for text in files.values():
        assert not set(text) & STEERS
    card = files["README.md"].split("---\n", 2)[2].splitlines()
    assert [line for line in card if line.startswith("```")] == ["```toml", "```"]
    headings = ("# npo", "## Metrics", "## Settings", "## Made by")
    assert all(line.startswith(headings) for line in card if line.startswith("#"))


def test_a_card_that_would_lie_elsewhere_is_refused_before_anything_is_written(
    tiny_folder: Path, tmp_path: Path
) -> None:
    cell = replace(RESULT, cell=replace(RESULT.cell, benchmark="../../climbed"))
    with pytest.raises(UserError, match="outside of"):
        export_model(RESULTS, cell, tiny_folder, "tiny", tmp_path / "a" / "out")
    assert not list(tmp_path.rglob("*"))


def test_data_of_this_machine_have_no_result_file() -> None:
    run = replace(RESULTS.run, config={**CONFIG, "data": "tofu"})
    files = card_files(replace(RESULTS, run=run), RESULT, None)
    assert list(files) == ["README.md"]
    assert "license" not in head(files["README.md"])


def test_one_model_is_meant() -> None:
    twice = replace(RESULTS, cells=(RESULT, replace(RESULT, cell=replace(RESULT.cell, seed=1))))
    assert cell_of(RESULTS, "npo:beta=0.5") is RESULT
    assert cell_of(twice, RESULT.cell.slug) is RESULT
    with pytest.raises(UserError, match=r"--model npo:beta=0\.5: the run has several: "):
        cell_of(twice, "npo:beta=0.5")
    with pytest.raises(UserError, match="unknown model 'npo:beta=0.4'; did you mean"):
        cell_of(RESULTS, "npo:beta=0.4")


def test_a_folder_with_files_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        export_model(RESULTS, RESULT, tiny_folder, "", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_licence_of_the_base_is_that_of_its_card(tmp_path: Path) -> None:
    assert licence_of(str(tmp_path)) is None
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# Base\n")
    assert licence_of(str(tmp_path)) == "mit"
    (tmp_path / "README.md").write_text("# Base\n---\nlicense: mit\n---\n")
    assert licence_of(str(tmp_path)) is None


def test_a_model_of_a_run_answers_as_the_stored_one(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    data = tmp_path / "data"
    data.mkdir()
    for name in world.names():
        lines = (json.dumps(row) + "\n" for row in world.tables(name))
        (data / f"{name}.json").write_text("".join(lines))
    sets = ("tofu.retain_authors=3", "finetune.epochs=1", "train.epochs=1", "train.batch_size=16")
    flags = [part for each in sets for part in ("--set", each)]
    flags += ["--model", str(tiny_folder), "--data", str(data), "--limit", "2"]
    command = [sys.executable, "-m", "suite.cli", "run", "--methods", "ga", "--bench", "tofu"]
    run, store, out = tmp_path / "run", str(tmp_path / "store"), tmp_path / "model"
    done = subprocess.run(
        [*command, *flags, "--out", str(run), "--store", store],
        env={**os.environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert main(["export", str(run), "--model", "ga", "--to", str(out), "--store", store]) == 0
    capsys.readouterr()
    assert main(["store", "where", str(run), "--method", "ga", "--store", store]) == 0
    stored = capsys.readouterr().out.strip()
    ours, theirs = (AutoModelForCausalLM.from_pretrained(folder) for folder in (out, stored))
    ids = AutoTokenizer.from_pretrained(out)("Who wrote the book?", return_tensors="pt")[
        "input_ids"
    ]
    assert torch.equal(ours(ids).logits, theirs(ids).logits)
    assert "forget_quality" in (out / "README.md").read_text()
    assert main(["export", str(run), "--to", str(out)]) == 2
    assert "name either --format, or --model with --to" in capsys.readouterr().err
