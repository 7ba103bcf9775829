"""What this machine or the hub lacks is refused while planning, in one line with the remedy."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from suite.cli import main
from suite.core import hub
from suite.core.errors import UserError
from suite.model import hardware
from suite.model import source as source_of

JUDGED = ("--bench", "win_rate", "--methods", "dpo", "--judge", "openai")
LOCAL = (*JUDGED[:-1], "local")


def refusal(shown: str) -> str:
    """What is said after the line by which a run begins."""
    first, _, rest = shown.partition("\n")
    return rest if first.startswith("comparing ") else shown


@pytest.fixture(autouse=True)
def fresh_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test asks the hub anew, and leaves its libraries as they were."""
    import datasets
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", constants.HF_HUB_OFFLINE)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", datasets.config.HF_HUB_OFFLINE)
    hub.check.cache_clear()


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("package", "arguments", "said"),
    [
        (
            "openai",
            (*JUDGED, "--set", "judge_openai.model=m"),
            "--judge openai: the package openai is not installed: "
            "pip install 'suite-compare[openai]'",
        ),
        (
            "openai",
            ("--methods", "ga", "--engine", "openai", "--set", "openai.model=m"),
            "--engine openai: the package openai is not installed",
        ),
        (
            "openai",
            (*LOCAL, "--set", "judge_local.model=tiny", "--set", "judge_local.engine=openai"),
            "judge_local.engine=openai: the package openai is not installed",
        ),
        (
            "",
            (*LOCAL, "--set", "judge_local.model=./nosuch"),
            "judge_local.model ./nosuch: no such folder (hub ids look like",
        ),
        (
            "wandb",
            ("--log", "wandb"),
            "--log wandb: the package wandb is not installed: pip install 'suite-compare[wandb]'",
        ),
        (
            "tensorboard",
            ("--bench", "bandit", "--methods", "dpo", "--log", "tensorboard"),
            "--log tensorboard: the package tensorboard is not installed",
        ),
        ("", ("--template", "Question:"), "template is 'Question:', but should be 'chat' or hold"),
        ("", ("--device", "gpu"), "--device gpu: expected auto, cpu, cuda or cuda:NUMBER"),
        ("", ("--device", "cuda"), "--device cuda: torch finds no such device here; there is cpu"),
        ("", ("--device", "cuda:1", "--dtype", "float32"), "--device cuda:1: torch finds no such"),
        ("", ("--model", "nosuch"), "--model nosuch: no such folder (hub ids look like"),
    ],
)
def test_it_is_refused_while_planning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    package: str,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    if package:
        monkeypatch.setitem(sys.modules, package, None)
    flags = ("--store", str(tmp_path / "store"), "--out", str(tmp_path / "out"))
    assert main([command, *flags, *arguments]) == 2
    shown = refusal(capsys.readouterr().err)
    assert shown.startswith(f"suite: error: {said}")
    assert shown.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_card_that_is_there_is_taken_and_the_next_number_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "device", lambda index: nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert hardware.pick_device("auto") == "cuda"
    for name in ("auto", "cuda", "cuda:0", "cpu"):
        hardware.check_device(name)
    with pytest.raises(UserError, match=r"^--device cuda:1: .*; there is cpu, cuda:0$"):
        hardware.check_device("cuda:1")


class _Hub:
    """Answers the one question, and counts."""

    def __init__(self, error: Exception | None) -> None:
        self.error, self.asked = error, 0

    def repo_info(self, *_: object, **__: object) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


def test_the_hub_is_asked_once_and_the_model_is_checked_before_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import huggingface_hub

    asked = _Hub(ConnectionError("no route"))
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: asked)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for data in ((), ("--data", "acme/nothing")):
        assert main(["plan", "--model", "acme/nosuch", *data]) == 2
        shown = capfd.readouterr().err
        assert shown.startswith(
            "suite: error: --model acme/nosuch: no such folder, the hub cannot be reached, "
        )
        assert shown.count("\n") == 1
    assert asked.asked == 1


def test_a_model_that_the_hub_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub
    from huggingface_hub.errors import RepositoryNotFoundError

    # The class wants the hub's reply, which it only carries along.
    unknown = RepositoryNotFoundError.__new__(RepositoryNotFoundError)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: _Hub(unknown))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no such folder, and the hub has no model 'acme/nosuch'"):
        source_of.check_source("acme/nosuch")


@pytest.mark.parametrize("model", ["tiny", "folder"])
def test_a_layer_that_the_model_lacks(
    tmp_path: Path,
    tiny_folder: Path,
    world_folder: Path,
    capsys: pytest.CaptureFixture[str],
    model: str,
) -> None:
    flags = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    if model == "folder":
        model, flags = str(tiny_folder), [*flags, "--data", str(world_folder)]
    flags += ["--model", model]
    for command in ("run", "plan"):
        assert main([command, "--methods", "ga,rmu:layer=7", *flags]) == 2
        shown = refusal(capsys.readouterr().err)
        said = "suite: error: rmu.layer is 7, but the model has 3 layers (0 to 2)"
        assert shown.strip() == said
    assert list(tmp_path.iterdir()) == []
