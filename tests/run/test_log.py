"""A run's log and weights: steps of an earlier start are there, and nothing trains twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.cli import main
from suite.config import resolve
from suite.registry import Registry
from suite.run import pipeline
from suite.settings import RunConfig

SETS = (
    "tofu.retain_authors=2",
    "finetune.epochs=1",
    "train.epochs=2",
    "train.batch_size=16",
    "checkpoint_seconds=0",
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def config(
    registry: Registry,
    tiny_folder: Path,
    world_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> RunConfig:
    folder = tmp_path_factory.mktemp("log")
    flags = {
        "methods": "ga",
        "bench": "tofu",
        "model": str(tiny_folder),
        "data": str(world_folder),
        "limit": "2",
        "store": str(folder / "store"),
        "out": str(folder / "out"),
    }
    return resolve(registry, None, flags, list(SETS), {})


def steps(out: Path) -> dict[str, list[tuple[int, Any]]]:
    """Cell's method -> its logged steps."""
    found: dict[str, list[tuple[int, Any]]] = {}
    for text in (out / "log.jsonl").read_text().splitlines():
        line = json.loads(text)
        if line["event"] == "step":
            method = line["cell"].partition("__")[0]
            found.setdefault(method, []).append((line["step"], line["metrics"]))
    return found


@pytest.fixture(scope="module")
def first(config: RunConfig, registry: Registry) -> dict[str, list[tuple[int, Any]]]:
    pipeline.run(config, registry)
    return steps(Path(config.out))


def test_each_cell_has_the_steps_of_its_own_training(
    first: dict[str, list[tuple[int, Any]]], config: RunConfig
) -> None:
    assert set(first) == {"target", "retrain", "ga"}
    for logged in first.values():
        assert [step for step, _ in logged] == list(range(1, len(logged) + 1))
    assert len(first["ga"]) == 2 * -(-40 // 16)
    assert set(first["ga"][0][1]) >= {"loss", "grad_norm"}


def test_a_run_from_the_store_logs_the_same_steps(
    first: dict[str, list[tuple[int, Any]]], config: RunConfig, registry: Registry, tmp_path: Path
) -> None:
    pipeline.run(replace(config, out=str(tmp_path)), registry)
    assert steps(tmp_path) == first


def test_a_resumed_run_logs_the_steps_before_the_interruption(
    first: dict[str, list[tuple[int, Any]]],
    config: RunConfig,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cut = replace(config, methods=("ga:lr=2e-5",), out=str(tmp_path))
    monkeypatch.setenv("SUITE_FAULT", "train.step:4=raise")
    stopped = pipeline.run(cut, registry)
    assert stopped.results.cells[-1].status == "failed"
    assert [step for step, _ in steps(tmp_path)["ga-lr=2e-5"]] == [1, 2, 3]
    capsys.readouterr()
    assert main(["verify", "--store", str(config.store)]) == 0
    shown = capsys.readouterr().out
    assert "1 leftover of interrupted runs, which harm nothing" in shown
    assert f"rm -r {config.store}/tmp {config.store}/scratch" in shown
    assert "problem" not in shown
    monkeypatch.delenv("SUITE_FAULT")
    pipeline.run(cut, registry)
    whole = [step for step, _ in steps(tmp_path)["ga-lr=2e-5"]]
    assert whole == [step for step, _ in first["ga"]]


def test_evaluating_the_end_alone_takes_the_weights_that_are_there(
    first: dict[str, list[tuple[int, Any]]], config: RunConfig, registry: Registry
) -> None:
    final = replace(config, evaluate="final")
    planned, store = pipeline.plan(final, registry)
    assert planned.missing(store) == []
    epochs = [[each.epoch for each in cell.evaluated] for cell in planned.cells]
    assert epochs == [[1], [1], [2]]
    other = replace(final, methods=("ga:lr=3e-5",))
    stages = pipeline.plan(other, registry)[0].stages()
    assert [s.resources["epochs"] for s in stages if s.kind == "train"] == [[1], [1], [2]]
