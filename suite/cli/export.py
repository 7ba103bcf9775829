"""`suite export`: a run in other tools' formats."""

from __future__ import annotations

from pathlib import Path

import click

from suite.cli.results import read_results
from suite.cli.streams import say
from suite.config.out import writing
from suite.export import FORMATS

RUN = click.Path(path_type=Path)


@click.command()
@click.argument("run", type=RUN)
@click.option("--format", "name", type=click.Choice(FORMATS), required=True, help="Whose format.")
@click.option(
    "--out", type=RUN, help="Where to write; default: a folder of the format's name in the run's."
)
def export(run: Path, name: str, out: Path | None) -> None:
    """Write a run in other tools' formats.

    lm-eval: results and samples as lm-evaluation-harness writes them, a folder for each cell.
    csv: every item's scores in one table. open-unlearning: its EVAL.json and SUMMARY.json, of
    benchmarks that say what these call their metrics; `suite score` reads such files too.

    \b
    Examples:
      suite export runs/latest --format csv
      suite export runs/latest --format open-unlearning --out exported
    """
    from suite.export import export as write
    from suite.results.samples import read_samples

    found = read_results(run)
    samples = read_samples(run / "samples", [cell.cell.slug for cell in found.cells])
    target = out or run / name
    with writing(target):
        written = list(write(found, samples, target, name))
    for path in written:
        say(path)
