"""What `--keep` leaves of the weights, and what it costs later; `suite store` on a real run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from suite.cli import main
from suite.config import resolve
from suite.registry import Registry
from suite.run import pipeline
from suite.settings import RunConfig
from suite.stages.handles import epochs_in
from suite.store import Stage, Store
from suite.store.locks import locked


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def config(
    registry: Registry, quick: list[str], tmp_path_factory: pytest.TempPathFactory
) -> RunConfig:
    flags = {quick[i][2:]: quick[i + 1] for i in range(0, len(quick), 2) if quick[i] != "--set"}
    sets = [quick[i + 1] for i in range(0, len(quick), 2) if quick[i] == "--set"]
    folder = tmp_path_factory.mktemp("run")
    flags |= {
        "methods": "ga",
        "store": str(folder / "store"),
        "out": str(folder / "out"),
        "limit": "4",
        "keep": "best",
    }
    return resolve(registry, None, flags, sets, {})


@pytest.fixture(scope="module")
def outcome(config: RunConfig, registry: Registry) -> pipeline.Outcome:
    return pipeline.run(config, registry)


def training(config: RunConfig, registry: Registry, row: int = 2) -> tuple[Stage, Store]:
    planned, store = pipeline.plan(config, registry)
    stage = planned.cells[row].train
    assert stage is not None
    return stage, store


def test_each_keep_leaves_its_epochs_and_every_answer(
    outcome: pipeline.Outcome, config: RunConfig, registry: Registry
) -> None:
    ga, store = training(config, registry)
    best = outcome.results.cells[2].best
    assert best is not None
    assert list(epochs_in(store.path(ga))) == [int(best.epoch)]

    for keep, left in (("final", [2]), ("none", []), ("all", [1, 2])):
        if keep != "none":  # what was dropped before is made again
            pipeline.make_stage(config, registry, ga.key)
            assert list(epochs_in(store.path(ga))) == [1, 2]
        again = pipeline.run(replace(config, keep=keep), registry)
        assert list(epochs_in(store.path(ga))) == left
        assert [c.metrics for c in again.results.cells] == [
            c.metrics for c in outcome.results.cells
        ]
        assert [c.trajectory for c in again.results.cells] == [
            c.trajectory for c in outcome.results.cells
        ]
    target, _ = training(config, registry, row=0)
    assert list(epochs_in(store.path(target))) == [1]
    assert store.verify() == []


def test_evaluating_the_end_alone_computes_nothing(
    outcome: pipeline.Outcome, config: RunConfig, registry: Registry
) -> None:
    planned, store = pipeline.plan(replace(config, evaluate="final"), registry)
    assert planned.missing(store) == []
    assert [[each.epoch for each in cell.evaluated] for cell in planned.cells] == [[1], [1], [2]]


def test_every_epoch_after_the_end_alone_gives_what_every_epoch_at_once_gives(
    outcome: pipeline.Outcome, config: RunConfig, registry: Registry, tmp_path: Path
) -> None:
    final = replace(
        config, evaluate="final", keep="all", store=str(tmp_path / "s"), out=str(tmp_path / "o")
    )
    pipeline.run(final, registry)
    ga, store = training(final, registry)
    assert list(epochs_in(store.path(ga))) == [2]
    every = pipeline.run(replace(final, evaluate="epochs"), registry)
    assert list(epochs_in(store.path(ga))) == [1, 2]
    assert [c.metrics for c in every.results.cells] == [c.metrics for c in outcome.results.cells]
    assert [c.best for c in every.results.cells] == [c.best for c in outcome.results.cells]
    assert store.verify() == []


def test_an_interrupted_training_that_is_asked_for_more_epochs_writes_them_all(
    config: RunConfig, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = replace(
        config, evaluate="final", keep="all", store=str(tmp_path / "s"), out=str(tmp_path / "o")
    )
    ga, store = training(final, registry)
    scratch = store.root / "scratch" / "train" / ga.key
    for stage in pipeline.plan(final, registry)[0].stages():
        if stage.kind == "base" or stage.key == ga.inputs["start"].key:
            pipeline.make_stage(final, registry, stage.key)
    monkeypatch.setenv("SUITE_FAULT", "publish.before_manifest=raise")
    with pytest.raises(RuntimeError):
        pipeline.make_stage(final, registry, ga.key)
    monkeypatch.delenv("SUITE_FAULT")
    assert list(epochs_in(scratch / "epochs")) == [2]
    every = replace(final, evaluate="epochs")
    folder = pipeline.make_stage(every, registry, ga.key)
    assert list(epochs_in(folder)) == [1, 2]


def run_store(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    status = main(["store", *arguments])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_the_command_lists_explains_finds_and_removes(
    outcome: pipeline.Outcome,
    config: RunConfig,
    registry: Registry,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "240")  # entries of different age need one column more
    pipeline.run(replace(config, keep="all"), registry)
    ga, store = training(config, registry)
    pipeline.make_stage(config, registry, ga.key)
    target, _ = training(config, registry, row=0)
    root, name = str(store.root), Path(config.out).name

    status, text = run_store(capsys, "list", "--store", root)
    assert status == 0
    assert re.search(rf"{name} +ga +\d+ .*MB", text)
    status, text = run_store(capsys, "list", "--store", root, "--run", config.out)
    assert ga.key[:12] in text and "answers of ga, epoch 1" in text

    status, text = run_store(capsys, "why", ga.key[:16], "--store", root)
    assert "train.lr = 0.001" in text and f"fine-tune target, epoch-01 ({target.key[:12]})" in text
    status, text = run_store(capsys, "why", ga.key, target.key, "--store", root)
    assert "method: ga -> sft" in text and "train.epochs: 2 -> 1" in text

    status, text = run_store(capsys, "where", config.out, "--method", "ga", "--store", root)
    assert (Path(text.strip()) / "model.safetensors").is_file() and text.strip().endswith(
        "epoch-02"
    )
    status, text = run_store(capsys, "where", name, "--method", "gaa", "--store", root)
    assert status == 2 and "did you mean 'ga'?" in text

    removal = ("rm", "--kind", "train", "--run", name, "--store", root)
    with locked(store.root / "locks" / f"train.{ga.key}"):
        status, text = run_store(capsys, *removal, "--dry-run")
        assert f"in use, stays: train {ga.key[:12]}" in text
    status, text = run_store(capsys, *removal, "--older", "1d")
    assert "0 entries removed" in text and store.has(ga)
    status, text = run_store(capsys, *removal, "--dry-run")
    assert status == 0 and store.has(ga)
    assert "3 entries would be removed" in text
    status, text = run_store(capsys, *removal)
    assert "3 entries removed" in text and not store.has(ga)
    rescored = pipeline.score(config, registry).results.cells[2]
    assert rescored.metrics == outcome.results.cells[2].metrics
    assert rescored.notes[0].startswith("the log of the training was removed from the store")
    status, text = run_store(capsys, "where", config.out, "--method", "ga", "--store", root)
    assert status == 4 and f"suite stage {ga.key[:12]}" in text
    status, text = run_store(capsys, "rm", "--store", root)
    assert status == 2 and "say what to remove" in text
    status, text = run_store(capsys, "rm", "--older", "soon", "--store", root)
    assert status == 2 and "expected a number and m, h, d or w" in text
