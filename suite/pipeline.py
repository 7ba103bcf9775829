"""`suite run`: plan, compute what the store lacks, collect the results, write the report.

A cell that fails does not stop the others; it is a row of the table with its reason, and the exit status tells.
"""

from __future__ import annotations

import platform
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import agreement, interrupt, models
from suite.benchmark import Experiment, Metric
from suite.comparing import comparing, read_evidence
from suite.errors import CorruptError, DivergedError, MissingError, UserError
from suite.judges import alpaca_eval
from suite.lab import Lab
from suite.model_benchmark import ModelBenchmark
from suite.plan import Plan, PlannedCell, build_plan, model_name
from suite.progress import Progress, Silent
from suite.results import (
    Cell,
    CellResult,
    CheckpointResult,
    Comparison,
    Results,
    Run,
    Timing,
    TrajectoryPoint,
)
from suite.samples import Sample, write_samples
from suite.scoring import read_curve, read_metrics
from suite.settings import RunConfig
from suite.store import Event, Stage, Store, atomic_write, default_root, read_jsonl
from suite.work import jsonable

if TYPE_CHECKING:
    from suite.registry import Registry

LIBRARIES = (
    "torch", "transformers", "tokenizers", "datasets", "peft", "numpy", "scipy", "rouge-score", "suite-compare",
)  # fmt: skip


@dataclass
class Outcome:
    """What `run` hands back."""

    results: Results
    samples: dict[str, list[Sample]]
    report: Path
    exit_status: int


@dataclass
class _Runner:
    lab: Lab
    store: Store
    built: set[str]

    @classmethod
    def on(cls, lab: Lab) -> _Runner:
        """A runner on the lab's store that notes what it had to build."""
        built: set[str] = set()

        def observe(stage: Stage, event: Event, seconds: float) -> None:
            if event == "built":
                built.add(stage.key)
            elif event == "waiting":
                lab.progress.say(f"waiting for another process to finish: {stage}")

        return cls(lab, Store(open_store(lab.config).root, observe), built)

    def cell(self, planned: PlannedCell) -> tuple[CellResult, list[Sample], int]:
        """Compute one cell; a failure becomes its result, an interruption goes on up."""
        notify = self.lab.registry.notify
        notify("suite_cell_started", cell=planned.cell)
        self.lab.on_step = lambda step, metrics: notify(
            "suite_train_logged", cell=planned.cell, step=step, metrics=metrics
        )
        samples: list[Sample] = []
        status = 0
        try:
            folders = {epoch: self.store.ensure(stage) for epoch, stage in planned.scores.items()}
            result = self._result(planned, folders)
            samples = [Sample(**line) for line in read_jsonl(folders[max(folders)] / "samples.jsonl")]
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

    def with_evidence(self, comparison: Comparison, plan: Plan, finished: Collection[Cell]) -> Comparison:
        """Compare a table's finished methods item by item; a method that lacks a seed is left out."""
        table = (comparison.benchmark, comparison.split)
        cells = [c for c in plan.cells if (c.cell.benchmark, c.cell.split) == table]
        gone = {c.cell.method for c in cells if c.cell not in finished}
        scores = {c.cell: c.scores[max(c.scores)] for c in cells if c.cell.method not in gone}
        starts = {c.cell: scores[c.cell] for c in cells if c.family == "baseline" and c.cell in scores}
        methods = {cell: stage for cell, stage in scores.items() if cell not in starts}
        if not methods:
            return comparison
        stage = comparing(cells[0].benchmark, methods, starts, comparison.primary)
        try:
            return replace(comparison, evidence=read_evidence(self.store.ensure(stage)))
        except UserError:
            raise
        except Exception as error:  # the results are computed: a comparison that fails must not lose them
            self.lab.progress.say(traceback.format_exc())
            failed = f"The methods could not be compared item by item: {type(error).__name__}: {error}"
            return replace(comparison, notes=(*comparison.notes, failed))

    def _failure(self, planned: PlannedCell, status: Any, error: str) -> CellResult:
        self.lab.progress.say(f"{planned.cell.method}: {status}: {error}")
        return CellResult(planned.cell, status, planned.family, partial=planned.partial, error=error)

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
            None if best is None else CheckpointResult("best", float(best), steps * best, metrics[best]),
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
        known = {name: spent[name] for name in ("cpu_seconds", "gpu_seconds", "peak_bytes") if name in spent}
        log = self.store.path(stage) / "log.jsonl"
        tokens = sum(line.get("tokens", 0) for line in read_jsonl(log)) if log.exists() else None
        return replace(self._timing([stage]), tokens=tokens, **known)

    def _timing(self, stages: list[Stage]) -> Timing:
        seconds = sum(float(self.store.manifest(s).timings["wall_seconds"]) for s in stages if self.store.has(s))
        return Timing(round(seconds, 3), not any(s.key in self.built for s in stages))


def run(config: RunConfig, registry: Registry, progress: Progress | None = None, command: str = "") -> Outcome:
    """Run everything and write the report. Raises UserError before any model loads where the plan cannot work."""
    lab = Lab(config, registry, progress or Silent())
    planned = build_plan(lab)
    preflight(lab, planned, open_store(config))
    return _collect(lab, planned, command)


def score(config: RunConfig, registry: Registry, progress: Progress | None = None, command: str = "") -> Outcome:
    """Score stored answers again and write the report. Raises MissingError where answers are not stored."""
    lab = Lab(config, registry, progress or Silent())
    planned = build_plan(lab)
    store = open_store(config)
    for stage in planned.stages():
        if stage.kind in ("respond", "judge") and not store.has(stage):
            raise MissingError(f"{stage}: not in {store.root}; `suite run --config {config.out}/config.toml` does it")
    return _collect(lab, planned, command)


def _collect(lab: Lab, planned: Plan, command: str) -> Outcome:
    """Compute every cell that the store lacks, then write results, samples and leaderboards."""
    from suite import report
    from suite.config import to_toml

    models.set_threads(lab.config.model)
    runner = _Runner.on(lab)
    out = Path(lab.config.out).expanduser()
    lab.registry.notify("suite_run_started", config=lab.config, report_dir=out)
    outcomes = []
    for cell in planned.cells:
        interrupt.check()
        outcomes.append((cell.cell, *runner.cell(cell)))
    cells = compared(planned, [outcome[1] for outcome in outcomes])
    finished = {result.cell for result in cells if result.status == "ok"}
    tables = tuple(runner.with_evidence(c, planned, finished) for c in comparisons(lab, planned, cells, runner.store))
    results = Results(describe_run(lab, command), tables, tuple(cells))
    samples = {cell.slug: rows for cell, _, rows, _ in outcomes if rows}
    atomic_write(out / "config.toml", to_toml(lab.config, lab.registry))
    for slug, rows in samples.items():
        write_samples(out / "samples", slug, rows)
    alpaca_eval.export(out / "alpaca_eval", planned.cells, runner.store)
    report.write(results, out, samples)
    lab.registry.notify("suite_run_finished", results=results, report_dir=out)
    return Outcome(results, samples, out, max((o[3] for o in outcomes), default=0))


def compared(plan: Plan, results: Sequence[CellResult]) -> list[CellResult]:
    """Add the metrics that a benchmark derives from all of its finished cells."""
    benchmarks = {cell.benchmark.name: cell.benchmark for cell in plan.cells}
    done = list(results)
    for name, benchmark in benchmarks.items():
        places = [i for i, r in enumerate(done) if r.status == "ok" and r.cell.benchmark == name]
        for i, more in zip(places, benchmark.compare([done[i] for i in places]), strict=True):
            done[i] = replace(done[i], metrics=(*done[i].metrics, *more))
    return done


def plan(config: RunConfig, registry: Registry) -> tuple[Plan, Store]:
    """Plan without running; `suite plan` shows what is cached and what would be computed."""
    return build_plan(Lab(config, registry)), open_store(config)


def open_store(config: RunConfig) -> Store:
    """The store that the configuration names."""
    return Store(Path(config.store) if config.store else default_root())


def preflight(lab: Lab, plan: Plan, store: Store) -> None:
    """Tokenise everything before anything trains: an answer cut off by the context is found now, not in an hour."""
    from suite.work import encode_rows

    missing = plan.missing(store)
    keys = {stage.key for stage in missing}
    for cell in plan.cells:
        if isinstance(cell.benchmark, ModelBenchmark) and any(s.key in keys for s in cell.scores.values()):
            cell.benchmark.check()
    if not any(stage.kind in {"train", "respond", "reference"} for stage in missing):
        return
    for stages in {id(c.texts): c.texts for c in plan.cells if c.texts}.values():
        base = stages.base.stage.inputs.get("start", stages.base.stage)  # tiny: the tokenizer is there before training
        encoder = lab.encoder(store.ensure(base), lab.config.train)
        for rows in (*stages.data.roles.values(), *stages.data.starts.values()):
            encode_rows(rows, encoder)
        asked = stages.benchmark.sampling_requests(stages.data) if stages.benchmark.sampled_roles else []
        for request in (*stages.requests, *asked):
            encoder.encode(request.prompt, request.completion, request.id)
        if any(stage.kind == "respond" for stage in missing):
            lab.engine.check(stages.requests)


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


def comparisons(lab: Lab, plan: Plan, results: Sequence[CellResult], store: Store) -> tuple[Comparison, ...]:
    """One table for each benchmark; for finished models one for each benchmark that made them."""
    first = {(cell.cell.benchmark, cell.cell.split): cell for cell in reversed(plan.cells)}
    ordered = sorted(first.values(), key=lambda cell: (lab.config.bench.index(cell.cell.benchmark), cell.cell.split))
    return tuple(_comparison(lab, cell, results, _agreement(lab, plan, store, cell.benchmark.name)) for cell in ordered)


def _agreement(lab: Lab, plan: Plan, store: Store, bench: str) -> list[str]:
    scores = [stage for cell in plan.cells if cell.benchmark.name == bench for stage in cell.scores.values()]
    responds = [stage for score in scores for stage in score.inputs.values() if stage.kind == "respond"]
    return agreement.notes(store, lab.config.engine, responds)


def _comparison(lab: Lab, planned: PlannedCell, results: Sequence[CellResult], agreed: Sequence[str]) -> Comparison:
    bench, cell, texts = planned.benchmark, planned.cell, planned.texts
    if isinstance(bench, ModelBenchmark):
        described = bench.describe(lab.config.engine)
        primary = headline([r for r in results if r.cell.benchmark == cell.benchmark]) or bench.primary
        return Comparison(cell.benchmark, cell.split, cell.model, primary, described.revision, notes=described.notes)
    if texts is None:
        notes = bench.notes if isinstance(bench, Experiment) else ()
        return Comparison(
            bench.name, cell.split, cell.model, bench.primary, "generated", notes=notes,
            reference_point=dict(bench.reference_point),
        )  # fmt: skip
    judged = texts.judging.notes() if texts.judging else []
    baseline = bench.baseline if bench.baseline in texts.data.starts else None
    return Comparison(
        bench.name,
        cell.split,
        cell.model,
        bench.primary,
        texts.data.revision,
        baseline,
        texts.start(baseline).final.stage.key if baseline else "",
        bench.best_by,
        texts.judging.judge.describe() if texts.judging else "",
        (*texts.data.notes, *judged, *agreed, *deviations(lab.config, bench.defaults(lab.config.model))),
        dict(bench.reference_point),
    )


def headline(results: Sequence[CellResult]) -> tuple[str, ...]:
    """The headline metrics of finished models, which are known once one is measured."""
    metrics = next((result.metrics for result in results if result.status == "ok"), ())
    return tuple(m.name for m in metrics if m.higher_is_better is not None and "/" not in m.name)


def trajectory(metrics: Mapping[int, tuple[Metric, ...]], steps: int) -> tuple[TrajectoryPoint, ...]:
    """Every metric after every epoch; nothing if there was one evaluation only."""
    points = (
        TrajectoryPoint(float(epoch), steps * epoch, {m.name: m.value for m in values})
        for epoch, values in metrics.items()
    )
    return tuple(points) if len(metrics) > 1 else ()


def curve(folder: Path) -> tuple[TrajectoryPoint, ...]:
    """What an experiment measured in its course."""
    return tuple(TrajectoryPoint(0.0, point.step, dict(point.metrics)) for point in read_curve(folder))


def deviations(config: RunConfig, protocol: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Settings of the user that differ from those the benchmark's protocol prescribes."""
    return [
        f"{section}.{name} = {config.sections[section][name]} (the protocol has {value})"
        for section, values in protocol.items()
        for name, value in values.items()
        if config.sections.get(section, {}).get(name, value) != value
    ]


def describe_run(lab: Lab, command: str) -> Run:
    """Everything that a reader needs to build the results again; no times, no paths."""
    config = lab.config
    data = config.data and model_name(config.data)
    shown = jsonable(asdict(replace(config, out="", store=None, model=model_name(config.model), data=data)))
    assert isinstance(shown, dict)
    plugins = {p.distribution: p.version for p in lab.registry.plugins() if p.status == "ok"}
    return Run(command, config.engine, lab.dtype, config.template, lab.device, config.seeds, shown, versions(), plugins)


def versions() -> dict[str, str]:
    """Of Python and of the libraries that compute."""
    installed = {d.metadata["Name"].lower(): d.version for d in metadata.distributions() if d.metadata["Name"]}
    return {"python": platform.python_version()} | {n: installed[n] for n in LIBRARIES if n in installed}


def environment(lab: Lab) -> dict[str, Any]:
    """Where a cell ran."""
    return {"device": lab.device, "dtype": lab.dtype, "machine": platform.machine(), "system": platform.system()}
