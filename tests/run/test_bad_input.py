"""A user's mistake is one line on stderr and exit status 2, before anything trains."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.cli import main
from tests.run.conftest import write_tables

Edit = Callable[[Path], None]


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str) -> str:
    """Run in this process; return the one line."""
    status = main(
        ["run", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out"), *arguments]
    )
    shown = capsys.readouterr().err.strip()
    assert status == 2, shown
    message = shown.splitlines()[-1]  # whatever stands before it is progress
    assert message.startswith("suite: error: ")
    assert "Traceback" not in shown
    assert not (tmp_path / "out").exists()
    return message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--methods", "npo2"], "unknown method 'npo2'; did you mean 'npo'?"),
        (["--bench", "tofoo"], "unknown benchmark 'tofoo'; did you mean 'tofu'?"),
        (["--split", "forget02"], "unknown split of tofu 'forget02'; did you mean 'forget"),
        (
            ["--methods", "sft"],
            "method 'sft' cannot run on benchmark 'tofu': it needs demonstrations",
        ),
        (["--methods", "npo:betta=1"], "did you mean"),
        (["--methods", "npo:beta=-1"], "beta"),
        (["--model", "./no/such/folder"], "--model ./no/such/folder: no such folder"),
        (["--model", "missing.gguf"], "--model missing.gguf: no such file"),
        (["--data", "./no/such/data"], "./no/such/data"),
        (
            ["--engine", "openai"],
            "engine openai: name the model at the endpoint: --set openai.model=NAME",
        ),
        (
            ["--engine", "openai", "--set", "openai.model=m"],
            "answers from the one model that its endpoint serves",
        ),
        (
            ["--engine", "openai", "--set", "openai.base_url=host"],
            "settings of openai: base_url is 'host'",
        ),
        (
            ["--set", "train.max_length=12", "--set", "finetune.max_length=12"],
            "more than the context of 12 (raise finetune.max_length or drop the row)",
        ),
        (["--set", "train.max_length=12"], "context of 12 (raise train.max_length"),
        (
            ["--set", "train.max_length=9999", "--set", "finetune.max_length=9999"],
            "more than the model's own context of 16 (drop the row or take another model)",
        ),
        (["--methods", "rmu:layer=3"], "rmu.layer is 3, but the model has 3 layers (0 to 2)"),
    ],
)
def test_mistakes_in_the_command(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    quick: list[str],
    arguments: list[str],
    expected: str,
) -> None:
    if "own context" in expected:
        quick = [*quick, "--model", str(with_context(tmp_path / "short", quick, 16))]
    assert expected in refused(capsys, tmp_path, *quick, *arguments)


def with_context(folder: Path, flags: list[str], tokens: int) -> Path:
    """The model of the flags, of which a configuration says that it reads so few tokens."""
    shutil.copytree(flags[flags.index("--model") + 1], folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": tokens}))
    return folder


def test_a_training_setting_that_an_experiment_would_ignore(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = refused(capsys, tmp_path, "--bench", "bandit", "--methods", "dpo:lr=1e-3")
    assert "'dpo:lr=1e-3': lr has no effect on benchmark 'bandit'" in message


def rewrite(name: str, change: Callable[[list[str]], list[str]]) -> Edit:
    """An edit of one data file, line by line."""

    def edit(folder: Path) -> None:
        path = folder / f"{name}.json"
        path.write_text("".join(line + "\n" for line in change(path.read_text().splitlines())))

    return edit


def without_answer(lines: list[str]) -> list[str]:
    row = json.loads(lines[2])
    row["anwser"] = row.pop("answer")
    return [*lines[:2], json.dumps(row), *lines[3:]]


def overlapping(folder: Path) -> None:
    forget = (folder / "forget10.json").read_text().splitlines()
    path = folder / "retain90.json"
    path.write_text(path.read_text() + forget[0] + "\n")


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (rewrite("forget10", lambda lines: []), "forget10"),
        (rewrite("forget10", lambda lines: [*lines[:3], '{"question": "x"', *lines[4:]]), "line 4"),
        (rewrite("forget10", without_answer), "answer"),
        (overlapping, "overlap"),
        (lambda folder: (folder / "retain90.json").unlink(), "retain90"),
    ],
    ids=["empty forget set", "malformed line", "missing column", "overlap", "missing file"],
)
def test_mistakes_in_the_data(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, quick: list[str], edit: Edit, expected: str
) -> None:
    folder = write_tables(tmp_path / "data")
    edit(folder)
    assert expected in refused(capsys, tmp_path, *quick, "--data", str(folder))


@pytest.mark.parametrize(
    ("remove", "expected"),
    [
        ("pad_token", "no pad token; name one with --pad-token"),
        ("chat_template", "no chat template; give one"),
    ],
)
def test_models_that_lack_something(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    quick: list[str],
    tiny_folder: Path,
    remove: str,
    expected: str,
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_folder, model)
    config = json.loads((model / "tokenizer_config.json").read_text())
    config.pop(remove, None)
    (model / "tokenizer_config.json").write_text(json.dumps(config))
    if remove == "chat_template":
        (model / "chat_template.jinja").unlink()
    message = refused(capsys, tmp_path, *quick, "--model", str(model))
    assert expected in message
