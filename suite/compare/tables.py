"""One table for each benchmark and split: what its cells share, what is derived from all of them, how sure it is."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from suite.api.benchmark import Experiment
from suite.api.cells import Cell, CellResult
from suite.api.measured import ModelBenchmark
from suite.compare import hypervolume as volume
from suite.compare.stage import comparing, read_evidence
from suite.core.errors import UserError
from suite.plan.build import Plan
from suite.plan.cell import PlannedCell
from suite.respond import agreement
from suite.results.schema import Comparison
from suite.settings import RunConfig
from suite.stages.context import Context
from suite.store import Store


def compared(plan: Plan, results: Sequence[CellResult]) -> list[CellResult]:
    """Add the metrics that a benchmark derives from all of its finished cells, and hypervolume."""
    benchmarks = {(cell.cell.benchmark, cell.cell.split): cell.benchmark for cell in plan.cells}
    done = list(results)
    for table, benchmark in benchmarks.items():
        places = [
            i
            for i, r in enumerate(done)
            if r.status == "ok" and (r.cell.benchmark, r.cell.split) == table
        ]
        for i, more in zip(places, benchmark.compare([done[i] for i in places]), strict=True):
            if reference := benchmark.reference_point:
                more = (*more, volume.of_cell(reference, done[i]))
            done[i] = replace(done[i], metrics=(*done[i].metrics, *more))
    return done


def comparisons(
    context: Context, plan: Plan, results: Sequence[CellResult], store: Store
) -> tuple[Comparison, ...]:
    """One table for each benchmark; for finished models one for each benchmark that made them."""
    first: dict[tuple[str, str], PlannedCell] = {}
    for cell in plan.cells:
        first.setdefault((cell.cell.benchmark, cell.cell.split), cell)
    ordered = sorted(
        first.values(), key=lambda cell: context.config.bench.index(cell.cell.benchmark)
    )
    found = [
        _comparison(context, cell, results, _agreement(context, plan, store, cell.benchmark.name))
        for cell in ordered
    ]
    return tuple(replace(one, front_hypervolume=volume.of_front(one, results)) for one in found)


def _agreement(context: Context, plan: Plan, store: Store, bench: str) -> list[str]:
    cells = [cell for cell in plan.cells if cell.benchmark.name == bench]
    scores = [each.score for cell in cells for each in cell.evaluated]
    # The baseline's answers too, which every score reads.
    read = [stage for score in scores for stage in score.inputs.values()]
    responds = [stage for stage in read if stage.kind == "respond"]
    return agreement.notes(store, context.config.engine, responds)


def _comparison(
    context: Context, planned: PlannedCell, results: Sequence[CellResult], agreed: Sequence[str]
) -> Comparison:
    bench, cell, texts = planned.benchmark, planned.cell, planned.texts
    if isinstance(bench, ModelBenchmark):
        described = bench.describe(context.config.engine)
        primary = (
            headline([r for r in results if r.cell.benchmark == cell.benchmark]) or bench.primary
        )
        return Comparison(
            cell.benchmark,
            cell.split,
            cell.model,
            primary,
            described.revision,
            notes=described.notes,
        )
    if texts is None:
        notes = bench.notes if isinstance(bench, Experiment) else ()
        return Comparison(
            bench.name, cell.split, cell.model, bench.primary, "generated", notes=notes,
            reference_point=dict(bench.reference_point), basis=dict(bench.basis),
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
        (
            *texts.data.notes,
            *judged,
            *agreed,
            *deviations(context.config, bench.defaults(context.config.model, cell.split)),
        ),
        dict(bench.reference_point),
        basis=dict(bench.basis),
    )


def headline(results: Sequence[CellResult]) -> tuple[str, ...]:
    """The headline metrics of finished models, which are known once one is measured."""
    metrics = next((result.metrics for result in results if result.status == "ok"), ())
    return tuple(m.name for m in metrics if m.higher_is_better is not None and "/" not in m.name)


def with_evidence(
    context: Context, store: Store, plan: Plan, comparison: Comparison, finished: Collection[Cell]
) -> Comparison:
    """Compare a table's finished methods item by item; a method that lacks a seed is left out."""
    table = (comparison.benchmark, comparison.split)
    cells = [c for c in plan.cells if (c.cell.benchmark, c.cell.split) == table]
    gone = {c.cell.method for c in cells if c.cell not in finished}
    scores = {c.cell: c.final.score for c in cells if c.cell.method not in gone}
    starts = {c.cell: scores[c.cell] for c in cells if c.family == "baseline" and c.cell in scores}
    methods = {cell: stage for cell, stage in scores.items() if cell not in starts}
    if not methods:
        return comparison
    stage = comparing(context, cells[0].benchmark, methods, starts, comparison.primary)
    try:
        return replace(comparison, evidence=read_evidence(store.ensure(stage)))
    except UserError:
        raise
    except (
        Exception
    ) as error:  # the results are computed: a comparison that fails must not lose them
        context.progress.say(traceback.format_exc())
        failed = f"The methods could not be compared item by item: {type(error).__name__}: {error}"
        return replace(comparison, notes=(*comparison.notes, failed))


def deviations(config: RunConfig, protocol: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Settings of the user that differ from those the benchmark's protocol prescribes."""
    return [
        f"{section}.{name} = {config.sections[section][name]} (the protocol has {value})"
        for section, values in protocol.items()
        for name, value in values.items()
        if config.sections.get(section, {}).get(name, value) != value
    ]
