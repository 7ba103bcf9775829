"""`suite run` and `suite plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.cli.options import load, run_options

if TYPE_CHECKING:
    from suite.registry import Registry
    from suite.settings import RunConfig


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
def plan(file: Path | None, sets: tuple[str, ...], **flags: Any) -> None:
    """Show what `run` would compute, and what is stored.

    \b
    Example:
      suite plan --methods ga,npo --bench tofu --split forget01
    """
    _show_plan(*load(file, sets, flags))


def _run(config: RunConfig, registry: Registry) -> int:
    from suite import interrupt, pipeline, report
    from suite.cli.progress import RichProgress
    from suite.config import rebuild_command

    interrupt.install()
    command = rebuild_command(config, registry)
    outcome = pipeline.run(config, registry, RichProgress(), command)
    report.terminal(outcome.results)
    click.echo(outcome.report)
    return outcome.exit_status


def _show_plan(config: RunConfig, registry: Registry) -> None:
    from suite import pipeline

    planned, store = pipeline.plan(config, registry)
    for cell in planned.cells:
        click.echo(f"cell   {cell.cell.slug}")
    for stage in planned.stages():
        state = "stored" if store.has(stage) else "new"
        click.echo(f"{state:<6} {stage.kind:<10} {stage.key[:12]}  {stage.label}")
    for reason in planned.left_out:
        click.echo(f"left out: {reason}")
    click.echo(f"{len(planned.cells)} cells; {len(planned.missing(store))} stages to compute")
    for name, cost in planned.judging(store).items():
        if not cost.calls:
            click.echo(f"{name}: no paid calls to the judge")
            continue
        price = "no price set" if cost.dollars is None else f"{cost.dollars:.2f} USD"
        click.echo(
            f"{name}: about {cost.calls:,} calls to the judge, {cost.tokens_in:,} tokens in, "
            f"at most {cost.tokens_out:,} out; {price}"
        )
