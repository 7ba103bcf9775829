"""`suite export`: a run in other tools' formats, or one of its models as a plain folder."""

from __future__ import annotations

from pathlib import Path

import click

from suite.cli.results import read_results
from suite.cli.streams import say
from suite.config.out import writing
from suite.core.errors import UserError
from suite.export import FORMATS

RUN = click.Path(path_type=Path)


@click.command()
@click.argument("run", type=RUN)
@click.option("--format", "name", type=click.Choice(FORMATS), help="Whose format.")
@click.option(
    "--out", type=RUN, help="Where to write; default: a folder of the format's name in the run's."
)
@click.option("--model", metavar="METHOD", help="Write this method's final model instead.")
@click.option("--to", type=RUN, help="With --model: the new folder.")
@click.option(
    "--store", type=RUN, help="With --model: default SUITE_STORE or the user's cache folder."
)
def export(
    run: Path, name: str | None, out: Path | None, model: str | None, to: Path | None, **rest: Path
) -> None:
    """Write a run in other tools' formats, or a model of it.

    lm-eval: results and samples as lm-evaluation-harness writes them, a folder for each cell.
    csv: every item's scores in one table. open-unlearning: its EVAL.json and SUMMARY.json, of
    benchmarks that say what these call their metrics; `suite score` reads such files too.
    inspect: its .eval logs, which `inspect view` shows (extra `inspect`).

    --model: a folder that transformers and vLLM load, with a model card: data, method, settings,
    metrics, and the licence of the base model where its own card names one.

    \b
    Examples:
      suite export runs/latest --format csv
      suite export runs/latest --format open-unlearning --out exported
      suite export runs/latest --model npo --to npo-forget10
    """
    if (name is None) == (model is None):
        raise UserError("name either --format, or --model with --to")
    written = (
        _write_format(run, name, out)
        if name is not None
        else _write_model(run, str(model), to, rest["store"])
    )
    for path in written:
        say(path)


def _write_format(run: Path, name: str, out: Path | None) -> list[Path]:
    from suite.export import export as write
    from suite.results.samples import read_samples

    found = read_results(run)
    samples = read_samples(run / "samples", [cell.cell.slug for cell in found.cells])
    target = out or run / name
    with writing(target):
        return list(write(found, samples, target, name))


def _write_model(run: Path, name: str, to: Path | None, store: Path | None) -> list[Path]:
    import tomllib

    from suite.export.model import cell_of, export_model
    from suite.store import default_root
    from suite.store.models import weights_of

    if to is None:
        raise UserError(f"--to: name a new folder for the model {name}")
    found = read_results(run)
    cell = cell_of(found, name)
    root = (store or default_root()).expanduser().absolute()
    (weights,) = weights_of(root, str(run), cell.cell.slug)
    config = run / "config.toml"
    source = str(tomllib.loads(config.read_text()).get("model", "")) if config.exists() else ""
    with writing(to):
        return export_model(found, cell, weights, source, to)
