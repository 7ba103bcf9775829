"""One table for each benchmark and split: what its cells share, and what all of them give."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from suite import agreement, volume
from suite.benchmark import Experiment
from suite.comparing import comparing, read_evidence
from suite.errors import UserError
from suite.lab import Lab
from suite.model_benchmark import ModelBenchmark
from suite.plan import Plan, PlannedCell
from suite.results import Cell, CellResult, Comparison
from suite.settings import RunConfig
from suite.store import Stage, Store


def compared(plan: Plan, results: Sequence[CellResult]) -> list[CellResult]:
    """Add the metrics that a benchmark derives from all of its finished cells, and hypervolume."""
    benchmarks = {_table(cell.cell): cell.benchmark for cell in plan.cells}
    done = list(results)
    for table, benchmark in benchmarks.items():
        places = []
        for place, result in enumerate(done):
            if result.status == "ok" and _table(result.cell) == table:
                places.append(place)
        derived = benchmark.compare([done[place] for place in places])
        for place, more in zip(places, derived, strict=True):
            result = done[place]
            metrics = [*result.metrics, *more]
            if benchmark.reference_point:
                metrics.append(volume.of_cell(benchmark.reference_point, result))
            done[place] = replace(result, metrics=tuple(metrics))
    return done


def _table(cell: Cell) -> tuple[str, str]:
    return cell.benchmark, cell.split


def comparisons(
    lab: Lab, plan: Plan, results: Sequence[CellResult], store: Store
) -> tuple[Comparison, ...]:
    """One table for each benchmark; for finished models one for each benchmark that made them."""
    first: dict[tuple[str, str], PlannedCell] = {}
    for cell in plan.cells:
        first.setdefault(_table(cell.cell), cell)
    ordered = sorted(first.values(), key=lambda cell: lab.config.bench.index(cell.cell.benchmark))
    found = []
    for cell in ordered:
        agreed = _agreement(lab, plan, store, cell.benchmark.name)
        table = _comparison(lab, cell, results, agreed)
        found.append(replace(table, front_hypervolume=volume.of_front(table, results)))
    return tuple(found)


def _agreement(lab: Lab, plan: Plan, store: Store, bench: str) -> list[str]:
    """The note on how far the engine is from the training code, over all answers of a benchmark."""
    responds = []
    for cell in plan.cells:
        if cell.benchmark.name != bench:
            continue
        for score in cell.scores.values():
            responds += [stage for stage in score.inputs.values() if stage.kind == "respond"]
    return agreement.notes(store, lab.config.engine, responds)


def _comparison(
    lab: Lab, planned: PlannedCell, results: Sequence[CellResult], agreed: Sequence[str]
) -> Comparison:
    bench, cell, texts = planned.benchmark, planned.cell, planned.texts
    if isinstance(bench, ModelBenchmark):
        own = [result for result in results if result.cell.benchmark == cell.benchmark]
        described = bench.describe(lab.config.engine)
        return Comparison(
            benchmark=cell.benchmark,
            split=cell.split,
            model=cell.model,
            primary=headline(own) or bench.primary,
            revision=described.revision,
            notes=described.notes,
        )
    if texts is None:
        return Comparison(
            benchmark=bench.name,
            split=cell.split,
            model=cell.model,
            primary=bench.primary,
            revision="generated",
            notes=bench.notes if isinstance(bench, Experiment) else (),
            reference_point=dict(bench.reference_point),
            basis=dict(bench.basis),
        )
    judged = texts.judging.notes() if texts.judging else []
    changed = deviations(lab.config, bench.defaults(lab.config.model, cell.split))
    baseline = bench.baseline if bench.baseline in texts.data.starts else None
    return Comparison(
        benchmark=bench.name,
        split=cell.split,
        model=cell.model,
        primary=bench.primary,
        revision=texts.data.revision,
        baseline=baseline,
        baseline_key=texts.start(baseline).final.stage.key if baseline else "",
        best_by=bench.best_by,
        judge=texts.judging.judge.describe() if texts.judging else "",
        notes=(*texts.data.notes, *judged, *agreed, *changed),
        reference_point=dict(bench.reference_point),
        basis=dict(bench.basis),
    )


def headline(results: Sequence[CellResult]) -> tuple[str, ...]:
    """The headline metrics of finished models; they are known once one model is measured.

    A name with a slash is a part of another metric.
    """
    for result in results:
        if result.status == "ok":
            directed = [m.name for m in result.metrics if m.higher_is_better is not None]
            return tuple(name for name in directed if "/" not in name)
    return ()


def with_evidence(
    lab: Lab, store: Store, plan: Plan, comparison: Comparison, finished: Collection[Cell]
) -> Comparison:
    """Compare a table's finished methods item by item; a method that lacks a seed is left out."""
    table = (comparison.benchmark, comparison.split)
    cells = [planned for planned in plan.cells if _table(planned.cell) == table]
    unfinished = {planned.cell.method for planned in cells if planned.cell not in finished}
    methods: dict[Cell, Stage] = {}
    starts: dict[Cell, Stage] = {}
    for planned in cells:
        if planned.cell.method not in unfinished:
            kind = starts if planned.family == "baseline" else methods
            last_epoch = max(planned.scores)
            kind[planned.cell] = planned.scores[last_epoch]
    if not methods:
        return comparison
    stage = comparing(cells[0].benchmark, methods, starts, comparison.primary)
    try:
        return replace(comparison, evidence=read_evidence(store.ensure(stage)))
    except UserError:
        raise
    except Exception as error:
        # The results are computed: a comparison that fails must not lose them.
        lab.progress.say(traceback.format_exc())
        failed = f"The methods could not be compared item by item: {type(error).__name__}: {error}"
        return replace(comparison, notes=(*comparison.notes, failed))


def deviations(config: RunConfig, protocol: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Settings of the user that differ from those the benchmark's protocol prescribes."""
    found = []
    for section, prescribed in protocol.items():
        chosen = config.sections.get(section, {})
        for name, value in prescribed.items():
            if chosen.get(name, value) != value:
                found.append(f"{section}.{name} = {chosen[name]} (the protocol has {value})")
    return found
