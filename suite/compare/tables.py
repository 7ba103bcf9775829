"""One table for each benchmark and split: what its cells share, and what all of them give."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from suite.api.benchmark import Benchmark
from suite.api.cells import Cell, CellResult
from suite.api.finished import FINISHED
from suite.api.measured import ModelBenchmark
from suite.compare import hypervolume as volume
from suite.compare import interest
from suite.compare.recorded import with_settings
from suite.compare.stage import comparing, in_every_run, read_evidence
from suite.core.errors import UserError
from suite.plan.cell import PlannedCell
from suite.plan.graph import Plan
from suite.plan.text_stages import TextStages
from suite.registry.outputs import outputs_of
from suite.respond import agreement
from suite.results.schema import Comparison
from suite.settings import RunConfig
from suite.stages.base_model import origin
from suite.stages.context import Context
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
    context: Context, plan: Plan, results: Sequence[CellResult], store: Store
) -> tuple[Comparison, ...]:
    """One table for each benchmark; for finished models one for each benchmark that made them."""
    first: dict[tuple[str, str], PlannedCell] = {}
    for cell in plan.cells:
        first.setdefault(_table(cell.cell), cell)
    bench = context.config.bench
    found = []
    for cell in sorted(first.values(), key=lambda cell: bench.index(cell.cell.benchmark)):
        agreed = _agreement(context, plan, store, cell.benchmark.name)
        shared = _comparison(context, cell, results, agreed)
        table = with_settings(context, shared, cell, plan.cells)
        front = volume.of_front(table, results)
        found.append(replace(table, outputs=outputs_of(cell.benchmark), front_hypervolume=front))
    return tuple(found)


def _agreement(context: Context, plan: Plan, store: Store, bench: str) -> list[str]:
    """The note on how far the engine is from the training code, over all answers of a benchmark."""
    responds = []
    for cell in plan.cells:
        if cell.benchmark.name != bench:
            continue
        for each in cell.evaluated:
            # Of the baseline model too, whose answers every score reads.
            responds += [read for read in each.score.inputs.values() if read.kind == "respond"]
    return agreement.notes(store, context.engine_name, responds)


def _baseline_key(texts: TextStages, baseline: str) -> str:
    """The keys of the stages that give the baseline model, one for each start seed."""
    keys = []
    for stages in texts.every_start:
        keys += [trained.final.stage.key for trained in stages.every(baseline)]
    return ", ".join(keys)


def _origins(context: Context, texts: TextStages) -> dict[str, str]:
    """Where the start models are from that the run did not train."""
    return {name: "; ".join(map(origin, context.config.start[name])) for name in texts.starts.ready}


def _comparison(
    context: Context, planned: PlannedCell, results: Sequence[CellResult], agreed: Sequence[str]
) -> Comparison:
    """What a table's cells share."""
    bench, cell, texts = planned.benchmark, planned.cell, planned.texts
    known = Comparison(
        benchmark=cell.benchmark,
        split=cell.split,
        model=cell.model,
        primary=bench.primary,
        revision="generated",
        notes=bench.notes,
        reference_point=dict(bench.reference_point),
        basis=dict(bench.basis),
        smallest_difference=_of_interest(context, bench),
        runs_are_drawn=bench.runs_are_drawn,
    )
    if isinstance(bench, ModelBenchmark):
        own = [result for result in results if result.cell.benchmark == cell.benchmark]
        described = bench.describe(context.engine_name)
        primary = headline(own) or bench.primary
        return replace(known, primary=primary, revision=described.revision, notes=described.notes)
    return known if texts is None else _of_texts(context, known, texts, agreed)


def _of_texts(
    context: Context, known: Comparison, texts: TextStages, agreed: Sequence[str]
) -> Comparison:
    """The same of a benchmark that trains language models: its data, baseline, judge, notes."""
    bench = texts.benchmark
    judged = texts.judging.notes() if texts.judging else []
    protocol = bench.defaults(context.config.model, texts.split)
    changed = deviations(context.config, protocol)
    baseline = bench.baseline if bench.baseline in texts.starts else None
    return replace(
        known,
        revision=texts.data.revision,
        baseline=baseline,
        baseline_key=_baseline_key(texts, baseline) if baseline else "",
        starts=_origins(context, texts),
        best_by=bench.best_by,
        judge=texts.judging.judge.describe() if texts.judging else "",
        notes=(*bench.notes, *texts.data.notes, *judged, *agreed, *changed),
        compares_every_start=bench.compares_every_start,
    )


def _of_interest(context: Context, bench: Benchmark[Any]) -> dict[str, float]:
    return interest.of_table(bench.smallest_difference, context.config.smallest_difference)


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
    context: Context, store: Store, plan: Plan, comparison: Comparison, finished: Collection[Cell]
) -> Comparison:
    """Compare a table's finished methods item by item; a method that lacks a seed is left out."""
    table = (comparison.benchmark, comparison.split)
    cells = [planned for planned in plan.cells if _table(planned.cell) == table]
    unfinished = {planned.cell.method for planned in cells if planned.cell not in finished}
    methods: dict[Cell, Stage] = {}
    starts: dict[Cell, Stage] = {}
    fixed: dict[Cell, Stage] = {}
    for planned in cells:
        if planned.cell.method not in unfinished:
            kind = {"baseline": starts, FINISHED: fixed}.get(planned.family, methods)
            kind[planned.cell] = planned.final.score
    drawn = bool(methods)
    methods |= in_every_run(fixed, methods)
    if not methods:
        return comparison
    stage = comparing(
        context,
        cells[0].benchmark,
        methods,
        starts,
        comparison.primary,
        comparison.smallest_difference,
        drawn=drawn,
    )
    try:
        return replace(comparison, evidence=read_evidence(store.ensure(stage)))
    except UserError:
        raise
    except Exception as error:
        # The results are computed: a comparison that fails must not lose them.
        context.progress.say(traceback.format_exc())
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
