"""What `suite plan` says that stages will take, against what they take."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from suite.cli import main
from suite.config import resolve
from suite.plan import fits
from suite.plan.fits import what_does_not_fit
from suite.plan.forecast import Forecast, Forecasts
from suite.registry import Registry
from suite.run import pipeline
from suite.stages.handles import epochs_in

FLAGS = {"methods": "npo", "bench": "tofu", "evaluate": "final"}


def planned(
    registry: Registry, folders: dict[str, str], store: Path, *sets: str, **more: Any
) -> Any:
    flags = FLAGS | {
        "data": folders["data"],
        "model": folders["target"],
        "store": str(store),
        **more,
    }
    return pipeline.plan_within(resolve(registry, None, flags, list(sets), {}), registry)


def kinds(made: Any) -> dict[str, Forecast]:
    plan, context = made
    forecasts = Forecasts(context)
    return {f"{stage.kind} {stage.label}": forecasts.of(stage) for stage in plan.stages()}


def test_settings_change_what_is_forecast(
    registry: Registry, folders: dict[str, str], tmp_path: Path
) -> None:
    plain = kinds(planned(registry, folders, tmp_path))["train npo"]
    small = ["train.weights=bfloat16", "train.gradient_checkpointing=true"]
    less = kinds(planned(registry, folders, tmp_path, *small, dtype="bfloat16"))["train npo"]
    longer = kinds(planned(registry, folders, tmp_path, "train.epochs=30"))["train npo"]
    every = kinds(planned(registry, folders, tmp_path, evaluate="epochs"))["train npo"]
    assert less.memory_bytes < plain.memory_bytes  # type: ignore[operator]
    assert longer.tokens == 3 * plain.tokens  # type: ignore[operator]
    assert longer.memory_bytes == plain.memory_bytes
    assert every.disk_bytes == 10 * plain.disk_bytes  # type: ignore[operator]


def test_stages_without_a_model_have_none(
    registry: Registry, folders: dict[str, str], tmp_path: Path
) -> None:
    found = kinds(planned(registry, folders, tmp_path))
    assert found["score score npo, epoch 10"] == Forecast()


def test_a_training_takes_what_was_said(
    registry: Registry, folders: dict[str, str], tmp_path: Path
) -> None:
    """Disk to a tenth (the weights), tokens to a half (four characters a token is a guess)."""
    plan, context = planned(registry, folders, tmp_path, "finetune.epochs=1", "train.epochs=1")
    stage = next(stage for stage in plan.stages() if stage.label == "fine-tune target")
    said = Forecasts(context).of(stage)
    root = context.store.ensure(stage)
    weights = (epochs_in(root)[1] / "model.safetensors").stat().st_size
    assert said.disk_bytes == pytest.approx(weights, rel=0.1)
    lines = [json.loads(line) for line in (root / "log.jsonl").read_text().splitlines()]
    tokens = sum(line["tokens"] for line in lines)
    assert 0.5 < said.tokens / tokens < 2  # type: ignore[operator]


def test_what_does_not_fit_is_said_in_one_line(
    registry: Registry, folders: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, context = planned(registry, folders, tmp_path)
    assert list(what_does_not_fit(Forecasts(context), plan)) == []
    monkeypatch.setattr(fits, "memory_of", lambda device: 1_000_000)
    monkeypatch.setattr(fits, "free_disk", lambda folder: 1_000_000)
    memory, disk = what_does_not_fit(Forecasts(context), plan)
    assert memory.startswith("memory: fine-tune target needs about ")
    assert "and cpu has 1.0 MB" in memory
    assert disk.startswith("disk: this run writes about ")
    said: list[str] = []
    monkeypatch.setattr(context.progress, "say", said.append, raising=False)
    pipeline._said_first(context, plan)
    assert [line for line in said if line.startswith("may not fit: ")] == [
        f"may not fit: {memory}",
        f"may not fit: {disk}",
    ]


def test_the_command_shows_it(
    folders: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = FLAGS | {"data": folders["data"], "model": folders["target"], "store": str(tmp_path)}
    words = [word for name, value in flags.items() for word in (f"--{name}", value)]
    assert main(["plan", *words]) == 0
    shown = "".join(capsys.readouterr())
    (line,) = (line for line in shown.splitlines() if "train" in line and "  npo (" in line)
    assert re.search(r"MB memory, \S+ MB disk, [0-9,]+ tokens\)$", line)
    assert main(["plan", *words, "--json"]) == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    forecasts = {stage["kind"]: stage["forecast"] for stage in stages}
    assert forecasts["train"]["memory_bytes"] > forecasts["train"]["disk_bytes"] > 0
    assert forecasts["score"]["memory_bytes"] is None
