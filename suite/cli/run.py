"""`suite run` and `suite plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.cli.installed import json_option
from suite.cli.options import load, run_options
from suite.cli.streams import say
from suite.core.printing import to_stderr

if TYPE_CHECKING:
    from suite.plan.forecast import Forecasts
    from suite.plan.graph import Plan
    from suite.registry import Registry
    from suite.settings import RunConfig
    from suite.stages.context import Context
    from suite.store import Store


@click.command()
@run_options
@click.option(
    "--dry-run", is_flag=True, help="Only show what would be computed, like `suite plan`."
)
def run(file: Path | None, sets: tuple[str, ...], dry_run: bool, **flags: Any) -> int:
    """Compare methods and write the leaderboard.

    What the store holds is not computed again; an interrupted run goes on when it is started again.

    Settings come from: defaults < the benchmark's protocol < --config < SUITE_* environment <
    flags < --set. Paths in a --config file are relative to that file.

    \b
    Examples:
      suite run --methods ga,npo --bench tofu
      suite run --methods npo,npo:beta=0.5:lr=1e-4 --seeds 0,1,2 --out runs/beta
      suite run --methods family:unlearning --set pdu.epsilon=0.5
      suite run --model HuggingFaceTB/SmolLM2-135M-Instruct --set train.micro_batch=4
      SUITE_TRAIN__LR=5e-5 suite run --config run.toml --limit 20
    """
    config, registry = load(file, sets, flags)
    if dry_run:
        _show_plan(config, registry)
        return 0
    return _run(config, registry)


@click.command()
@run_options
@json_option
def plan(file: Path | None, sets: tuple[str, ...], as_json: bool, **flags: Any) -> None:
    """Show what `run` would compute, and what is stored.

    Behind a stage stands what it will take, about: memory at its peak, disk, and tokens that a
    model reads or writes.

    --json prints every cell and stage with its kind, spec, inputs, key and forecast.

    \b
    Examples:
      suite plan --methods ga,npo --bench tofu --split forget01
      suite plan --config run.toml --json
    """
    config, registry = load(file, sets, flags)
    if as_json:
        from suite.run import pipeline

        with to_stderr():  # what plugins print
            planned = _plan_json(*pipeline.plan_within(config, registry))
        click.echo(json.dumps(planned, indent=1))
        return
    _show_plan(config, registry)


@click.command()
@click.argument("key")
@run_options
def stage(key: str, file: Path | None, sets: tuple[str, ...], **flags: Any) -> None:
    """Make one stage of a run, and nothing else.

    KEY is the stage's key as `suite plan` shows it. What the stage reads must be stored already.
    Several processes may make the stages of one run in any order that `suite plan --json` allows:
    each stage is made once.

    \b
    Example:
      suite stage 5c1f0a2b9d3e --config run.toml
    """
    from suite.cli.progress import RichProgress
    from suite.core import interrupt
    from suite.run import pipeline

    config, registry = load(file, sets, flags)
    interrupt.install()
    click.echo(pipeline.make_stage(config, registry, key, RichProgress()))


def _run(config: RunConfig, registry: Registry) -> int:
    from suite import report
    from suite.cli.progress import RichProgress
    from suite.config import rebuild_command
    from suite.core import interrupt
    from suite.run import pipeline

    interrupt.install()
    command = rebuild_command(config, registry)
    outcome = pipeline.run(config, registry, RichProgress(), command)
    report.terminal(outcome.results, page=outcome.report / report.PAGE)
    say(outcome.report)
    return outcome.exit_status


def _plan_json(planned: Plan, context: Context) -> dict[str, Any]:
    """A plan as data: cells name their stages by phase and epoch, stages their inputs by key."""
    from suite.plan.forecast import Forecasts

    cells = []
    for cell in planned.cells:
        models = []
        for each in cell.evaluated:
            named = {
                "model": each.model.stage if each.model else None,
                "responses": each.responses,
                "verdicts": each.verdicts,
                "score": each.score,
            }
            keys = {name: found.key for name, found in named.items() if found is not None}
            models.append({"phase": each.phase, "epoch": each.epoch, **keys})
        cells.append({"cell": cell.cell.slug, "models": models})
    forecasts, stages = Forecasts(context), []
    for made in planned.stages():
        added = {"stored": context.store.has(made), "forecast": forecasts.of(made).as_json()}
        stages.append({**made.as_json(), **added})
    return {"cells": cells, "stages": stages}


def _show_plan(config: RunConfig, registry: Registry) -> None:
    from suite.plan.fits import what_does_not_fit
    from suite.plan.forecast import Forecasts
    from suite.run import pipeline
    from suite.run.notes import engine_notes

    planned, context = pipeline.plan_within(config, registry)
    for cell in planned.cells:
        say(f"cell   {cell.cell.slug}")
    for note in engine_notes(context):
        say(note)
    forecasts = Forecasts(context)
    _show_stages(planned, forecasts)
    for reason in planned.left_out:
        say(f"left out: {reason}")
    for lacking in what_does_not_fit(forecasts, planned):
        say(f"may not fit: {lacking}")
    missing = planned.missing(context.store)
    click.echo(f"{len(planned.cells)} cells; {len(missing)} stages to compute")
    _show_judging(planned, context.store)


def _show_stages(planned: Plan, forecasts: Forecasts) -> None:
    """A line for each stage: whether it is there, or what it will take, about."""
    for stage in planned.stages():
        stored = forecasts.context.store.has(stage)
        takes = "" if stored else str(forecasts.of(stage))
        state = "stored" if stored else "new"
        line = f"{state:<6} {stage.kind:<10} {stage.key[:12]}  {stage.label}"
        say(f"{line} ({takes})" if takes else line)


def _show_judging(planned: Plan, store: Store) -> None:
    for name, cost in planned.judging(store).items():
        if not cost.calls:
            say(f"{name}: no paid calls to the judge")
            continue
        price = "no price set" if cost.dollars is None else f"{cost.dollars:.2f} USD"
        say(
            f"{name}: about {cost.calls:,} calls to the judge, {cost.tokens_in:,} tokens in, "
            f"at most {cost.tokens_out:,} out; {price}"
        )
