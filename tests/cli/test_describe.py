"""`suite list NAME` at 80 columns: all about one thing, and no line wider than the terminal."""

from __future__ import annotations

import pytest

from suite.cli import main
from suite.config.fields import settings_of
from suite.registry import Registry
from suite.settings import TrainConfig

REGISTRY = Registry.load()
THINGS = [
    *REGISTRY.methods(),
    *REGISTRY.benchmarks(),
    *REGISTRY.engines(),
    *REGISTRY.judges(),
]


@pytest.fixture(autouse=True)
def _width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("cls", THINGS, ids=lambda cls: f"{cls.__module__}:{cls.name}")
def test_every_setting_is_explained_within_the_terminal(
    cls: type, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", cls.name]) == 0
    out = capsys.readouterr().out
    words = out.split()
    for setting in settings_of(cls.Config).values():
        assert any(word.endswith(f"{setting.name}") for word in words), setting.name
        assert setting.doc in " ".join(words)
    # A line may be wider only where one word is.
    for line in out.splitlines():
        assert len(line) <= 80 or len(line.split()) == 1, line


def test_a_method_has_paper_equation_needs_benchmarks_training_and_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "npo"]) == 0
    out = capsys.readouterr().out
    assert "arXiv 2404.05868" in out
    assert "    L = -(2/beta) E log sigma(-beta rho)\n" in out
    assert "- answers to forget (forget)" in out
    assert "tofu" in out.partition("Runs on")[2].partition("Settings")[0]
    for name in settings_of(TrainConfig):
        assert f"npo.{name} = " in out
    assert "suite run --methods npo --bench tofu" in out


def test_a_method_shows_what_its_paper_prescribes(capsys: pytest.CaptureFixture[str]) -> None:
    cls = next(cls for cls in REGISTRY.methods() if "lr" in cls.train_defaults)
    assert main(["list", cls.name]) == 0
    assert f"{cls.name}.lr = {cls.train_defaults['lr']}" in capsys.readouterr().out


def test_what_trains_nothing_has_no_settings_of_training(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "zero_shot"]) == 0
    out = capsys.readouterr().out
    assert "- no training" in out
    assert "zero_shot.lr" not in out


def test_an_engine_and_a_judge_of_one_name_are_both_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "openai"]) == 0
    out = capsys.readouterr().out
    assert "openai: engine" in out and "openai: judge" in out


@pytest.mark.parametrize("name", ["ga", "dpo", "grpo", "bandit", "sentiment", "win_rate"])
def test_its_example_is_accepted(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Names and flags are those of the suite."""
    assert main(["list", name]) == 0
    example = capsys.readouterr().out.rstrip().splitlines()[-1].split()
    assert example[:2] == ["suite", "run"]
    assert main(["config", "show", *example[2:]]) == 0
