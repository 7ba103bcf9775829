"""Commands on what runs have left: `suite report`, `suite verify`."""

from __future__ import annotations

from pathlib import Path

import click

from suite.errors import UserError

RUN = click.Path(path_type=Path)
EXIT_STATUS = {"corrupt": 3, "newer": 2, "not reproduced": 5, "leftover": 0}


@click.command()
@click.argument("runs", type=RUN, nargs=-1, required=True)
@click.option("--out", type=RUN, help="Where to write; default: the run's folder, if there is one run.")
def report(runs: tuple[Path, ...], out: Path | None) -> None:
    """Write a leaderboard again, or join several runs.

    \b
    Examples:
      suite report runs/latest
      suite report runs/a runs/b --out reports
    """
    from suite import report, results
    from suite.samples import read_samples

    if len(runs) > 1 and out is None:
        raise UserError("--out: name a folder for the joined leaderboard")
    found = [results.read(run / "results.json") for run in runs]
    samples = {
        slug: rows
        for run, content in zip(runs, found, strict=True)
        for slug, rows in read_samples(run / "samples", [cell.cell.slug for cell in content.cells]).items()
    }
    joined = report.merge(found) if len(found) > 1 else found[0]
    for path in report.write(joined, out or runs[0], samples):
        click.echo(path)
    report.terminal(joined)


@click.command()
@click.option("--store", "folder", type=RUN, help="Default: SUITE_STORE or the user's cache folder.")
def verify(folder: Path | None) -> int:
    """Check every file of the store against its manifest.

    Exit status 3: something is corrupt; 5: an input has since been made again and came out different.

    \b
    Example:
      suite verify --store /data/store
    """
    from suite.store import Store, default_root

    store = Store(folder or default_root())
    problems = store.verify()
    for problem in problems:
        click.echo(problem)
    click.echo(f"{store.root}: {len(problems)} problems" if problems else f"{store.root}: ok")
    statuses = {EXIT_STATUS[problem.kind] for problem in problems}
    return next((status for status in (3, 2, 5) if status in statuses), 0)
