"""One cell: have the store make what it lacks, and read the cell's result from what lies there.

    CellRunner.on(lab, root).cell(planned) -> CellResult, samples, exit status

A cell that fails becomes a result that says why; only an interruption and a corrupt store go on up.
"""

from __future__ import annotations

import platform
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from suite.benchmark import Metric
from suite.errors import CorruptError, DivergedError, UserError
from suite.lab import Lab
from suite.model_benchmark import ModelBenchmark
from suite.plan import PlannedCell
from suite.results import CellResult, CheckpointResult, Timing, TrajectoryPoint
from suite.samples import Sample
from suite.score_files import read_curve, read_metrics
from suite.store import Event, Stage, Store, read_jsonl


@dataclass
class CellRunner:
    """Computes cells, and knows what had to be built for them."""

    lab: Lab
    store: Store
    built: set[str]
    building: list[str] = field(default_factory=list)
    """Key of the stage that is being built, or was last."""

    @classmethod
    def on(cls, lab: Lab, root: Path) -> CellRunner:
        """A runner on the store at `root` that notes what it had to build."""
        built: set[str] = set()
        building: list[str] = []

        def observe(stage: Stage, event: Event, seconds: float) -> None:
            if event == "building":
                building[:] = [stage.key]
            elif event == "built":
                built.add(stage.key)
            elif event == "waiting":
                lab.progress.say(f"waiting for another process to finish: {stage}")

        return cls(lab, Store(root, observe), built, building)

    def cell(self, planned: PlannedCell) -> tuple[CellResult, list[Sample], int]:
        """Compute one cell; a failure becomes its result, an interruption goes on up."""
        notify = self.lab.registry.notify
        notify("suite_cell_started", cell=planned.cell)
        steps = _Steps(self, planned)
        self.lab.on_step = steps.live
        samples: list[Sample] = []
        status = 0
        try:
            folders = {epoch: self.store.ensure(stage) for epoch, stage in planned.scores.items()}
            steps.stored()
            result = self._result(planned, folders)
            samples = [
                Sample(**line) for line in read_jsonl(folders[max(folders)] / "samples.jsonl")
            ]
        except DivergedError as error:
            result, status = self._failure(planned, "diverged", str(error)), 1
        except CorruptError:
            raise
        except UserError as error:
            result, status = self._failure(planned, "failed", str(error)), error.exit_status
        except Exception as error:
            self.lab.progress.say(traceback.format_exc())
            result, status = self._failure(planned, "failed", f"{type(error).__name__}: {error}"), 1
        notify("suite_cell_finished", cell=planned.cell, result=result)
        return result, samples, status

    def _failure(self, planned: PlannedCell, status: Any, error: str) -> CellResult:
        self.lab.progress.say(f"{planned.cell.method}: {status}: {error}")
        return CellResult(
            planned.cell, status, planned.family, partial=planned.partial, error=error
        )

    def _result(self, planned: PlannedCell, folders: Mapping[int, Path]) -> CellResult:
        metrics = {epoch: read_metrics(folder) for epoch, folder in folders.items()}
        final = max(folders)
        best = best_epoch(metrics, planned.benchmark.best_by) if len(metrics) > 1 else None
        steps = steps_per_epoch(self.store.path(planned.train), final) if planned.train else 0
        return CellResult(
            planned.cell,
            "ok",
            planned.family,
            metrics[final],
            None
            if best is None
            else CheckpointResult("best", float(best), steps * best, metrics[best]),
            trajectory(metrics, steps) if planned.train else curve(folders[final]),
            planned.partial,
            self._timings(planned),
            environment(self.lab),
        )

    def _timings(self, planned: PlannedCell) -> dict[str, Timing]:
        """Seconds of the cell's own stages (what it shares with other cells belongs to the start models' rows)."""
        if isinstance(planned.benchmark, ModelBenchmark):
            return {"measure": self._timing(list(planned.scores.values()))}
        if planned.texts is None:
            return {"train": self._timing(list(planned.scores.values()))}
        scores = list(planned.scores.values())
        judged = [s.inputs["verdicts"] for s in scores if "verdicts" in s.inputs]
        return {
            **({"train": self._training(planned.train)} if planned.train else {}),
            "respond": self._timing([s.inputs["responses"] for s in scores]),
            **({"judge": self._timing(judged)} if judged else {}),
            "score": self._timing(scores),
        }

    def _training(self, stage: Stage) -> Timing:
        """What training cost, beside its seconds."""
        if not self.store.has(stage):
            return self._timing([stage])
        spent = self.store.manifest(stage).timings
        known = {
            name: spent[name]
            for name in ("cpu_seconds", "gpu_seconds", "peak_bytes")
            if name in spent
        }
        log = self.store.path(stage) / "log.jsonl"
        tokens = sum(line.get("tokens", 0) for line in read_jsonl(log)) if log.exists() else None
        return replace(self._timing([stage]), tokens=tokens, **known)

    def _timing(self, stages: list[Stage]) -> Timing:
        seconds = sum(
            float(self.store.manifest(s).timings["wall_seconds"])
            for s in stages
            if self.store.has(s)
        )
        return Timing(round(seconds, 3), not any(s.key in self.built for s in stages))


class _Steps:
    """Tells observers the steps of a cell's training: each once, in order, whenever it was made.

    Steps that an earlier start of the command made are read from the log that training keeps.
    """

    def __init__(self, runner: CellRunner, planned: PlannedCell) -> None:
        self._runner = runner
        self._planned = planned
        self._last = 0

    def live(self, step: int, metrics: Mapping[str, float]) -> None:
        """Tell a step that was made now, after those before an interruption."""
        stage = self._planned.train
        # Under a cell its inputs may train too: a start model, which is a cell of its own.
        if stage is None or self._runner.building != [stage.key]:
            return
        if step > self._last + 1:
            scratch = self._runner.store.root / "scratch" / stage.kind / stage.key
            self._tell_logged(scratch / "log.jsonl", step)
        self._tell(step, metrics)

    def stored(self) -> None:
        """Tell what has not been told of a finished training."""
        stage = self._planned.train
        if stage is not None and self._runner.store.has(stage):
            self._tell_logged(self._runner.store.path(stage) / "log.jsonl", None)

    def _tell_logged(self, log: Path, before: int | None) -> None:
        for line in read_jsonl(log):
            step = line["step"]
            if self._last < step and (before is None or step < before):
                measured = {k: v for k, v in line.items() if k not in ("step", "tokens")}
                self._tell(step, measured)

    def _tell(self, step: int, metrics: Mapping[str, float]) -> None:
        self._last = step
        notify = self._runner.lab.registry.notify
        notify("suite_train_logged", cell=self._planned.cell, step=step, metrics=metrics)


def best_epoch(metrics: Mapping[int, tuple[Metric, ...]], name: str | None) -> int | None:
    """The epoch with the best value of a metric, the earliest of equals; None where no epoch has one."""
    values = {
        epoch: metric.value if metric.higher_is_better else -metric.value
        for epoch, ms in metrics.items()
        for metric in ms
        if metric.name == name and metric.value is not None
    }
    return max(values, key=lambda epoch: (values[epoch], -epoch)) if values else None


def steps_per_epoch(train: Path, epochs: int) -> int:
    """Optimiser steps in each epoch of a finished training run, from its log."""
    log = train / "log.jsonl"
    return len(log.read_text().splitlines()) // epochs if log.exists() else 0


def trajectory(
    metrics: Mapping[int, tuple[Metric, ...]], steps: int
) -> tuple[TrajectoryPoint, ...]:
    """Every metric after every epoch; nothing if there was one evaluation only."""
    points = (
        TrajectoryPoint(float(epoch), steps * epoch, {m.name: m.value for m in values})
        for epoch, values in metrics.items()
    )
    return tuple(points) if len(metrics) > 1 else ()


def curve(folder: Path) -> tuple[TrajectoryPoint, ...]:
    """What an experiment measured in its course."""
    return tuple(
        TrajectoryPoint(0.0, point.step, dict(point.metrics)) for point in read_curve(folder)
    )


def environment(lab: Lab) -> dict[str, Any]:
    """Where a cell ran."""
    return {
        "device": lab.device,
        "dtype": lab.dtype,
        "machine": platform.machine(),
        "system": platform.system(),
    }
