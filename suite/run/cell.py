"""One cell: have the store make what it lacks, and read the cell's result from what lies there.

    CellRunner.on(context, out).cell(planned) -> CellResult, samples, exit status

A cell that fails becomes a result that says why; only an interruption and a corrupt store go on up.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from suite.api.cells import CellResult, CheckpointResult, Timing, TrajectoryPoint
from suite.api.scores import Metric
from suite.api.step import BF16_GAIN
from suite.core.errors import CorruptError
from suite.core.interrupt import Interrupted
from suite.plan.cell import PlannedCell
from suite.registry.plugin import DISTRIBUTION
from suite.results.samples import Sample
from suite.run.attacked import attack_stages, attacked_metrics, run_attacks
from suite.run.events import observer
from suite.run.failure import Failure, failure_of
from suite.run.workers import Work
from suite.score.files import read_curve, read_metrics
from suite.stages.context import Context
from suite.store import Stage, Store, atomic_write, read_jsonl

ERRORS = "errors"
"""Folder of the tracebacks of cells that failed, within the run's folder."""


@dataclass
class CellRunner:
    """Computes cells, and knows what had to be built for them."""

    context: Context
    store: Store
    out: Path
    """The run's folder."""
    built: set[str]
    """Keys of the stages that were made for this run."""
    notify: Callable[..., None]
    """Tells observers: `notify(hook, **arguments)`; the run's settings and folder are added."""

    @classmethod
    def on(cls, context: Context, out: Path, work: Work) -> CellRunner:
        """A runner on the run's store. `out`: the run's folder. `work`: who computes stages."""
        seen = observer(work.built, context.progress)
        store = Store(context.store.root, seen, work.build)
        notify = partial(context.registry.notify, config=context.config, report_dir=out)
        return cls(context, store, out, work.built, notify)

    def cell(self, planned: PlannedCell) -> tuple[CellResult, list[Sample], int]:
        """Compute one cell; a failure becomes its result, an interruption goes on up."""
        self.notify("suite_cell_started", cell=planned.cell)
        steps = _Steps(self, planned)
        samples: list[Sample] = []
        status = 0
        try:
            for each in planned.own:
                self.store.ensure(each.score, steps.live)
            steps.stored()
            failed, status = run_attacks(self.context, self.store, planned)
            result = self._result(planned, failed)
            final = self.store.path(planned.final.score)
            samples = [Sample(**line) for line in read_jsonl(final / "samples.jsonl")]
        except (CorruptError, KeyboardInterrupt, Interrupted):
            raise
        except BaseException as error:  # a plugin may even call sys.exit
            failure = failure_of(error, self.context.registry)
            result, status = self._failed(planned, failure), failure.exit_status
        self.notify("suite_cell_finished", cell=planned.cell, result=result)
        return result, samples, status

    def _failed(self, planned: PlannedCell, failure: Failure) -> CellResult:
        if failure.trace:
            self.context.progress.say(failure.trace)
            folder = self.out / ERRORS
            folder.mkdir(exist_ok=True)
            atomic_write(folder / f"{planned.cell.slug}.txt", failure.trace)
        text = f"{self._blame(planned)}{failure.text}" if failure.unblamed else failure.text
        self.context.progress.say(f"{planned.cell.method}: {failure.status}: {text}")
        return CellResult(
            planned.cell,
            failure.status,
            planned.family,
            partial=planned.partial,
            error=text,
        )

    def _blame(self, planned: PlannedCell) -> str:
        """Where only the host's own code raised, what a plugin gave it may be why: name the plugin
        of the method, or else of the benchmark."""
        registry = self.context.registry
        for part in (planned.method, planned.benchmark):
            plugin = registry.name_plugin(type(part)) if part is not None else ""
            if plugin and DISTRIBUTION not in plugin:
                return plugin
        return ""

    def _result(self, planned: PlannedCell, failed: list[str]) -> CellResult:
        folders = {each.epoch: self.store.path(each.score) for each in planned.trained}
        metrics = {epoch: read_metrics(folder) for epoch, folder in folders.items()}
        final = planned.final.epoch
        steps = steps_per_epoch(self.store.path(planned.train), final) if planned.train else 0
        course = trajectory(metrics, steps) if planned.train else curve(folders[final])
        return CellResult(
            cell=planned.cell,
            status="ok",
            family=planned.family,
            metrics=(*metrics[final], *self._later_metrics(planned)),
            best=best_checkpoint(metrics, planned.benchmark.best_by, steps),
            trajectory=course,
            partial=planned.partial,
            timings=self._timings(planned),
            environment=environment(self.context),
            notes=(*planned.notes, *self._training_notes(planned), *failed),
        )

    def _training_notes(self, planned: PlannedCell) -> tuple[str, ...]:
        """How much of the training bf16 weights show; nothing in float32. Or that nobody knows."""
        if planned.train is None:
            return ()
        log = self.store.path(planned.train) / "log.jsonl"
        if not log.exists():
            return (
                "the log of the training was removed from the store: its steps show as 0, and its "
                "cost is unknown",
            )
        gains = [line[BF16_GAIN] for line in read_jsonl(log) if BF16_GAIN in line]
        if not gains:
            return ()
        return (
            f"bf16 gain {gains[-1]:.2f}: the part of the change of the weights in training that "
            "is left after they are rounded to bf16, as the evaluation sees them (1: all of it)",
        )

    def _later_metrics(self, planned: PlannedCell) -> Iterator[Metric]:
        """The metrics of the phases after training and of attacks, as "<phase>/<metric>"."""
        for each in planned.later:
            for metric in read_metrics(self.store.path(each.score)):
                yield replace(metric, name=f"{each.phase}/{metric.name}")
        yield from attacked_metrics(self.store, planned)

    def _timings(self, planned: PlannedCell) -> dict[str, Timing]:
        """Seconds of the cell's own stages (what it shares with other cells belongs to the start
        models' rows)."""
        scores = [each.score for each in planned.own]
        if planned.texts is None:
            # One stage does all: it measures a finished model, or trains by itself.
            name = "measure" if planned.final.score.kind == "measure" else "train"
            return {name: self._timing(scores)}
        timings = {}
        if planned.train:
            timings["train"] = self._training(planned.train)
        responses = [each.responses for each in planned.own if each.responses]
        timings["respond"] = self._timing(responses)
        verdicts = [each.verdicts for each in planned.own if each.verdicts]
        if verdicts:
            timings["judge"] = self._timing(verdicts)
        later = [each.model.stage for each in planned.later if each.model]
        if later:
            timings["phases"] = self._timing(later)
        timings["score"] = self._timing(scores)
        if planned.attacked:
            timings["attacks"] = self._timing(attack_stages(planned))
        return timings

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


def best_checkpoint(
    metrics: Mapping[int, tuple[Metric, ...]], name: str | None, steps: int
) -> CheckpointResult | None:
    """The epoch with the best value of a metric; None where only one epoch was evaluated, or none
    has a value."""
    best = best_epoch(metrics, name) if len(metrics) > 1 else None
    if best is None:
        return None
    return CheckpointResult("best", float(best), steps * best, metrics[best])


class _Steps:
    """Tells observers the steps of a cell's training: each once, in order, whenever it was made.

    Steps that an earlier start of the command made are read from the log that training keeps.
    """

    def __init__(self, runner: CellRunner, planned: PlannedCell) -> None:
        self._runner = runner
        self._planned = planned
        self._last = 0

    def live(self, stage: Stage, step: int, metrics: Mapping[str, float]) -> None:
        """Tell a step that was made now, after those before an interruption."""
        own = self._planned.train
        # What a cell reads may train too: a start model, which is a cell of its own.
        if own is None or stage.key != own.key:
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
        notify = self._runner.notify
        notify("suite_train_logged", cell=self._planned.cell, step=step, metrics=metrics)


def best_epoch(metrics: Mapping[int, tuple[Metric, ...]], name: str | None) -> int | None:
    """The epoch with the best value of a metric, the earliest of equals; None where no epoch has
    one."""
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


def environment(context: Context) -> dict[str, Any]:
    """Where a cell ran."""
    return {
        "device": context.device,
        "dtype": context.dtype,
        "machine": platform.machine(),
        "system": platform.system(),
    }
