"""Loggers, told about a run as the pipeline tells them: the run's own log always, TensorBoard if
asked for."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import pytest

from suite.api.cells import Cell, CellResult
from suite.api.scores import Metric
from suite.registry import PluginWarning, Registry
from suite.results.schema import Results, Run
from suite.settings import RunConfig

CELL = Cell("npo", "tofu", "forget10", "tiny", 0)
RESULT = CellResult(
    CELL, "ok", "unlearning", (Metric("forget_quality", 0.7, True), Metric("privleak", None, True))
)


class Observed:
    """A run as the pipeline tells of it, step by step."""

    def __init__(self, out: Path, *log: str) -> None:
        config = RunConfig(log=log)
        self.notify = partial(Registry.load().notify, config=config, report_dir=out)

    def start(self) -> None:
        self.notify("suite_run_started")
        self.notify("suite_cell_started", cell=CELL)

    def step(self, step: int, loss: float) -> None:
        metrics = {"loss": loss, "grad_norm": 1.0}
        self.notify("suite_train_logged", cell=CELL, step=step, metrics=metrics)

    def finish(self) -> None:
        self.notify("suite_cell_finished", cell=CELL, result=RESULT)
        self.notify("suite_run_finished", results=Results(Run("", "hf", "", "", ""), (), ()))


def run(out: Path, *log: str) -> None:
    """Two steps of one cell."""
    observed = Observed(out, *log)
    observed.start()
    observed.step(1, 2.5)
    observed.step(2, math.inf)
    observed.finish()


def lines(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_the_run_log_is_always_written_and_begins_anew(tmp_path: Path) -> None:
    run(tmp_path)
    first = lines(tmp_path)
    assert [line["event"] for line in first] == ["started", "step", "step", "finished"]
    assert [line["metrics"] for line in first[1:3]] == [
        {"loss": 2.5, "grad_norm": 1.0},
        {"loss": None, "grad_norm": 1.0},
    ]
    assert first[3]["metrics"] == {"forget_quality": 0.7, "privleak": None}
    assert {line["cell"] for line in first} == {CELL.slug}
    run(tmp_path)
    assert lines(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_two_runs_in_one_process_do_not_see_each_other(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    folders = [tmp_path / name for name in ("alone", "a", "b")]
    for folder in folders:
        folder.mkdir()
    run(folders[0], "tensorboard")
    first, second = Observed(folders[1], "tensorboard"), Observed(folders[2])
    for observed in (first, second):
        observed.start()
    for step, loss in ((1, 2.5), (2, math.inf)):
        for observed in (second, first):
            observed.step(step, loss)
    for observed in (first, second):
        observed.finish()
    assert lines(folders[1]) == lines(folders[2]) == lines(folders[0])
    assert (folders[1] / "tensorboard").exists() and not (folders[2] / "tensorboard").exists()


def test_a_run_after_an_interrupted_one_in_the_same_folder_begins_anew(tmp_path: Path) -> None:
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    ).EventAccumulator
    interrupted = Observed(tmp_path, "tensorboard")
    interrupted.start()
    interrupted.step(7, 1.0)
    again = Observed(tmp_path, "tensorboard")
    again.start()
    again.finish()
    events = reader(str(tmp_path / "tensorboard" / CELL.slug)).Reload()
    assert [event.step for event in events.Scalars("final/forget_quality")] == [0]


def test_tensorboard_reads_its_events(tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    ).EventAccumulator
    run(tmp_path, "tensorboard")
    events = accumulator(str(tmp_path / "tensorboard" / CELL.slug)).Reload()
    assert set(events.Tags()["scalars"]) == {
        "train/loss",
        "train/grad_norm",
        "final/forget_quality",
    }
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(1, 2.5), (2, math.inf)]
    assert [(e.step, round(e.value, 6)) for e in events.Scalars("final/forget_quality")] == [
        (2, 0.7)
    ]
    assert len(lines(tmp_path)) == 4


def test_wandb_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run(tmp_path, "wandb")
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


def test_a_logger_that_is_not_installed_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.warns(PluginWarning, match="trackers.*wandb") as warned:
        run(tmp_path, "wandb")
    assert len(warned) == 1
    assert len(lines(tmp_path)) == 4
