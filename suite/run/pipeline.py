"""`suite run`: plan, compute what the store lacks, collect the results, write the report.

A cell that fails does not stop the others; it is a row of the table with its reason, and the exit
status tells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.cells import Cell, CellResult
from suite.compare.attacked import with_robustness
from suite.compare.tables import compared, comparisons, with_evidence
from suite.config.environment import check_environment
from suite.config.out import (
    check_out,
    drop_old_cells,
    make_folder,
    not_writable,
    point_latest,
    writing,
)
from suite.core import interrupt
from suite.core.errors import MissingError, UserError
from suite.core.places import model_name
from suite.core.progress import Progress
from suite.export import alpaca_eval
from suite.model import hardware
from suite.plan.build import build_plan
from suite.plan.fits import what_does_not_fit
from suite.plan.forecast import Forecasts
from suite.plan.graph import Plan
from suite.plan.refusals import check_loss
from suite.results.samples import Sample, write_samples
from suite.results.schema import Results
from suite.run.attacked import attack_requests
from suite.run.cell import CellRunner
from suite.run.keep import drop_weights
from suite.run.kinds import open_context
from suite.run.notes import engine_notes, path_notes, precision_notes, recorded_notes
from suite.run.provenance import describe_run
from suite.run.record import record
from suite.run.texts import text_notes, tokenizer_stage
from suite.run.unfinished import Unfinished
from suite.run.workers import Work, workers_of
from suite.settings import RunConfig
from suite.stages.context import Context, store_root
from suite.store import Store, atomic_write

if TYPE_CHECKING:
    from suite.registry import Registry


ANSWERS = frozenset({"respond", "judge", "measure", "experiment"})
"""Kinds of stages that `suite score` reads and never computes."""


@dataclass
class Outcome:
    """What `run` hands back."""

    results: Results
    samples: dict[str, list[Sample]]
    report: Path
    exit_status: int


def run(
    config: RunConfig, registry: Registry, progress: Progress | None = None, command: str = ""
) -> Outcome:
    """Run everything and write the report. Raises UserError before any model loads where the plan
    cannot work."""
    check_folders(config)
    check_environment(config, registry)
    context = open_context(config, registry, progress)
    context.progress.say(
        f"comparing {', '.join(config.methods)} on {', '.join(config.bench)} (model "
        f"{model_name(config.model)}): reading the data"
    )
    planned = build_plan(context)
    context.progress.say(_described(planned, context.store))
    preflight(context, planned)
    hardware.set_threads(config.model)
    return _collect(context, planned, command)


def score(
    config: RunConfig, registry: Registry, progress: Progress | None = None, command: str = ""
) -> Outcome:
    """Score stored answers again and write the report. Raises MissingError where answers are not
    stored."""
    check_folders(config)
    context = open_context(config, registry, progress)
    planned = build_plan(context)
    store = context.store
    for stage in planned.stages():
        if stage.kind in ANSWERS and not store.has(stage):
            raise MissingError(
                f"{stage}: not in the store {store.root}; this computes it: "
                f"{command or f'suite run --config {config.out}/config.toml'}"
            )
    return _collect(context, planned, command, scored_again=True)


def _collect(
    context: Context, planned: Plan, command: str, *, scored_again: bool = False
) -> Outcome:
    """Compute every cell that the store lacks, then write results, samples and leaderboards.

    The settings are those of the run: who only scores it again leaves their file as it is.
    """
    chosen = _said_first(context, planned)
    # Written first: a folder that cannot take it would lose the results at the end.
    out = _open_folder(context, planned, with_settings=not scored_again)
    with workers_of(context, planned) as work:
        runner = CellRunner.on(context, out, work)
        runner.notify("suite_run_started")
        unfinished = Unfinished(context, planned, runner.store, out, command)
        with runner.store.using(planned.stages()):
            outcomes = _cells(runner, planned, work, unfinished)
    cells = compared(planned, [outcome[1] for outcome in outcomes])
    finished = {result.cell for result in cells if result.status == "ok"}
    tables = comparisons(context, planned, cells, runner.store)
    tables = tuple(
        with_evidence(context, runner.store, planned, table, finished) for table in tables
    )
    tables = tuple(
        with_robustness(context, runner.store, planned, table, finished) for table in tables
    )
    # The answers are those of the run, and so is what it noted: reading the texts again would load
    # a tokenizer, and torch with it.
    notes = (scored_again and recorded_notes(out)) or (
        *planned.left_out,
        *chosen,
        *text_notes(context, planned),
        *path_notes(context),
    )
    described = replace(describe_run(context, command), notes=notes)
    results = Results(described, tables, tuple(cells))
    samples = {cell.slug: rows for cell, _, rows, _ in outcomes if rows}
    _write(results, samples, planned, runner.store, out)
    point_latest(context.config, out)
    runner.notify("suite_run_finished", results=results)
    return Outcome(results, samples, out, max((o[3] for o in outcomes), default=0))


def _write(
    results: Results, samples: dict[str, list[Sample]], planned: Plan, store: Store, out: Path
) -> None:
    """Write results, samples, leaderboards and other tools' files into the run's folder."""
    from suite import report

    drop_old_cells(out, set(samples))
    with writing(out):
        for slug, rows in samples.items():
            write_samples(out / "samples", slug, rows)
        alpaca_eval.export(out / "alpaca_eval", planned.cells, store)
        report.write(results, out, samples)


def _said_first(context: Context, planned: Plan) -> tuple[str, ...]:
    """Say what is left out, who answers, and with which precision the run computes; return the
    latter two."""
    for reason in planned.left_out:
        context.progress.say(f"left out: {reason}")
    for lacking in what_does_not_fit(Forecasts(context), planned):
        context.progress.say(f"may not fit: {lacking}")
    chosen = (*engine_notes(context), *precision_notes(context))
    for note in chosen:
        context.progress.say(note)
    return chosen


def _described(planned: Plan, store: Store) -> str:
    """Say what a run is about to compute."""
    rows = list(dict.fromkeys(cell.cell.method for cell in planned.cells))
    total, missing = len(planned.stages()), len(planned.missing(store))
    cells = f" in {len(planned.cells)} cells" if len(planned.cells) > len(rows) else ""
    return f"rows of the table: {', '.join(rows)}{cells}; {missing} of {total} stages to compute"


def _open_folder(context: Context, planned: Plan, *, with_settings: bool) -> Path:
    """Make the run's folder, write its settings, and let the store know whose its stages are."""
    from suite.config import to_toml

    out = make_folder(context.config)
    if with_settings:
        with writing(out):
            atomic_write(out / "config.toml", to_toml(context.config, context.registry))
    record(context.store.root, out, planned)
    return out


def _cells(
    runner: CellRunner, planned: Plan, work: Work, unfinished: Unfinished
) -> list[tuple[Cell, CellResult, list[Sample], int]]:
    """Compute one cell after the other; those that are finished are a table at any time."""
    outcomes: list[tuple[Cell, CellResult, list[Sample], int]] = []
    try:
        for cell in planned.cells:
            interrupt.check()
            work.wait(cell)
            outcomes.append((cell.cell, *runner.cell(cell)))
            results = [outcome[1] for outcome in outcomes]
            drop_weights(runner.context, planned, runner.store, results)
            unfinished.update(results)
    except BaseException:  # interrupted, or the store is corrupt
        unfinished.write([outcome[1] for outcome in outcomes])
        raise
    return outcomes


def plan(config: RunConfig, registry: Registry) -> tuple[Plan, Store]:
    """Plan without running; `suite plan` shows what is cached and what would be computed."""
    planned, context = plan_within(config, registry)
    return planned, context.store


def plan_within(config: RunConfig, registry: Registry) -> tuple[Plan, Context]:
    """The same with the context of the plan, by which its costs can be forecast."""
    check_environment(config, registry)
    context = open_context(config, registry)
    return build_plan(context), context


def make_stage(
    config: RunConfig, registry: Registry, key: str, progress: Progress | None = None
) -> Path:
    """Make one stage of a run and return its folder. `key`: its key, or enough of it to be the only
    one.

    Raises UserError if the run has no such stage, MissingError if what it reads is not stored yet.
    """
    check_environment(config, registry)
    context = open_context(config, registry, progress)
    found = [stage for stage in build_plan(context).stages() if stage.key.startswith(key)]
    if len(found) != 1:
        how_many = f"{len(found)} stages" if found else "no stage"
        raise UserError(f"this run has {how_many} whose key begins with {key!r}: see `suite plan`")
    hardware.set_threads(config.model)
    stage = found[0]
    with context.store.using([stage, *stage.inputs.values()]):
        return context.store.make(stage)


def check_folders(config: RunConfig) -> None:
    """Refuse folders that cannot be written, before anything is computed."""
    check_out(config.out)
    root = store_root(config)
    if problem := not_writable(root):
        raise UserError(
            f"the store {root}: {problem}; choose another with --store DIR or SUITE_STORE"
        )


def preflight(context: Context, plan: Plan) -> None:
    """Tokenise everything before anything trains: an answer cut off by the context is found now,
    not in an hour."""
    from suite.train.encoded import encode_rows

    store = context.store
    missing = plan.missing(store)
    keys = {stage.key for stage in missing}
    for cell in plan.cells:
        if cell.method is not None:
            check_loss(cell.method)
        if any(each.score.key in keys for each in cell.evaluated):
            cell.benchmark.check()
    if not any(stage.kind in {"train", "respond", "reference"} for stage in missing):
        return
    # Models from elsewhere come first: a broken file is found before anything trains.
    for stage in missing:
        if stage.kind == "base":
            store.ensure(stage)
    # Start seeds share what they read.
    for stages in {id(c.texts.reading): c.texts for c in plan.cells if c.texts}.values():
        tokenizer = store.ensure(tokenizer_stage(stages))
        of_starts = context.encoder(tokenizer, stages.finetune, "finetune")
        for name in sorted(stages.starts.made):
            encode_rows(stages.data.starts[name], of_starts)
        encoder = context.encoder(tokenizer, context.config.train)
        for rows in stages.data.roles.values():
            encode_rows(rows, encoder)
        asked = stages.reading.sampling_requests if stages.benchmark.sampled_roles else []
        attacks = attack_requests(context, plan.cells, stages)
        for request in (*stages.requests, *asked, *attacks):
            encoder.encode(request.prompt, request.expected, request.id)
        if any(stage.kind == "respond" for stage in missing):
            context.engine.check(stages.requests)
