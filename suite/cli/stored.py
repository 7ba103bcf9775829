"""Commands on what runs have left: `suite report`, `suite verify`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from suite.cli.results import read_results
from suite.cli.streams import say
from suite.config.out import check_out, writing
from suite.core.errors import UserError

RUN = click.Path(path_type=Path)
EXIT_STATUS = {"corrupt": 3, "newer": 2, "not reproduced": 5}


@click.command()
@click.argument("runs", type=RUN, nargs=-1, required=True)
@click.option(
    "--out", type=RUN, help="Where to write; default: the run's folder, if there is one run."
)
@click.option(
    "--compare",
    is_flag=True,
    help="Mark what cannot be compared, in a table of its own, and go on.",
)
def report(runs: tuple[Path, ...], out: Path | None, compare: bool) -> None:
    """Write a leaderboard again, or join several runs.

    Runs that differ in data, judge or baseline model, or in the result of the same cell, are
    refused. With --compare they are shown all the same, in tables and rows that name the run and
    say what differs.

    \b
    Examples:
      suite report runs/latest
      suite report runs/a runs/b --out reports
      suite report runs/a runs/b --out reports --compare
    """
    from suite import report
    from suite.results.samples import read_samples, write_samples

    if len(runs) > 1 and out is None:
        raise UserError("--out: name a folder for the joined leaderboard")
    if out is not None:
        check_out(str(out))
    found = [read_results(run) for run in runs]
    shown = report.separate(found, _names(runs)) if compare else found
    samples = {}
    for run, content, renamed in zip(runs, found, shown, strict=True):
        answers = read_samples(run / "samples", [cell.cell.slug for cell in content.cells])
        for before, after in zip(content.cells, renamed.cells, strict=True):
            if before.cell.slug in answers:
                samples[after.cell.slug] = answers[before.cell.slug]
    joined = report.merge(shown, samples, _names(runs)) if len(shown) > 1 else shown[0]
    target = out or runs[0]
    with writing(target):
        if out is not None:
            for slug, rows in samples.items():
                write_samples(out / "samples", slug, rows)
        written = report.write(joined, target, samples)
    for path in written:
        say(path)
    report.terminal(joined, page=target / report.PAGE)


def _names(runs: Sequence[Path]) -> list[str]:
    """Folder names; numbered where two are equal."""
    names = [run.resolve().name for run in runs]
    return [
        name if names.count(name) == 1 else f"{name} {number}"
        for number, name in enumerate(names, 1)
    ]


@click.command()
@click.option(
    "--store", "folder", type=RUN, help="Default: SUITE_STORE or the user's cache folder."
)
def verify(folder: Path | None) -> int:
    """Check every file of the store against its manifest.

    Exit status 3: something is corrupt; 5: an input has since been made again and came out
    different. Leftovers of interrupted runs are listed, and are no problem.

    \b
    Example:
      suite verify --store /data/store
    """
    from suite.store import Store, default_root

    store = Store(folder or default_root())
    found = store.verify()
    leftovers = [each for each in found if each.kind == "leftover"]
    problems = [each for each in found if each.kind != "leftover"]
    for each in [*problems, *leftovers]:
        say(each)
    click.echo(f"{store.root}: {_counted(len(problems), 'problem')}")
    if leftovers:
        click.echo(
            f"{_counted(len(leftovers), 'leftover')} of interrupted runs, which harm nothing: the "
            "same run goes on from there. To remove them, while nothing runs: "
            f"rm -r {shlex.quote(str(store.root / 'tmp'))} "
            f"{shlex.quote(str(store.root / 'scratch'))}"
        )
    statuses = {EXIT_STATUS[each.kind] for each in problems}
    return next((status for status in (3, 2, 5) if status in statuses), 0)


def _counted(number: int, what: str) -> str:
    """Count in words: "ok" where there is no problem."""
    if number == 0:
        return "ok"
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
