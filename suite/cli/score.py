"""`suite score`: numbers from answers that are there already.

    suite score runs/latest                                       a run's answers, today's metrics
    suite score --bench tofu --unlearned FILE [--retrain FILE]    what another tool measured

A benchmark that reads other tools' files says so (`Benchmark.files`). Each is an option here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from suite.api.benchmark import Benchmark
from suite.api.scores import Metric
from suite.cli.installed import block_option, json_option, registry_of
from suite.cli.options import load
from suite.cli.tables import show_table
from suite.core.errors import MissingError, UserError
from suite.core.printing import to_stderr
from suite.registry import Registry
from suite.settings import RunConfig

FILE = click.Path(path_type=Path)


class _WithFiles(click.Command):
    """Shows the benchmarks' file options in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        for benchmark in registry_of(()).benchmarks():
            if benchmark.files:
                with formatter.section(f"Files of --bench {benchmark.name}"):
                    formatter.write_dl(
                        [(f"{_flag(name)} FILE", text) for name, text in benchmark.files.items()]
                    )


@click.command(cls=_WithFiles, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[RUN]")
@click.option("--bench", metavar="NAME", help="Score other tools' files as this benchmark does.")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="SECTION.FIELD=VALUE",
    help="A setting of the benchmark.",
)
@block_option
@json_option
def score(
    arguments: tuple[str, ...], bench: str | None, as_json: bool, **settings: tuple[str, ...]
) -> int:
    """Score stored answers, or other tools' files.

    No model is used.

    \b
    Examples:
      suite score runs/latest
      suite score --bench tofu --unlearned TOFU_EVAL.json --retrain retrain/TOFU_EVAL.json
    """
    if bench is None:
        if as_json or any(settings.values()):
            raise UserError(
                "--set, --block and --json go with --bench: a run is scored with its own settings"
            )
        return _score_run(_parsed([click.Argument(["run"], type=FILE)], arguments)["run"])
    with to_stderr():  # what plugins print
        metrics = _score_files(bench, arguments, settings)
    if as_json:
        click.echo(json.dumps([asdict(metric) for metric in metrics], indent=1))
    else:
        show_table(bench, [_row(metric) for metric in metrics])
    return 0


def _score_run(run: Path) -> int:
    from suite import report
    from suite.cli.progress import RichProgress
    from suite.config import rebuild_command
    from suite.run import pipeline

    config, registry = _settings_of(run)
    command = rebuild_command(config, registry)
    outcome = pipeline.score(config, registry, RichProgress(), command)
    report.terminal(outcome.results, page=outcome.report / report.PAGE)
    return outcome.exit_status


def _settings_of(run: Path) -> tuple[RunConfig, Registry]:
    """Read the settings of a run as it ran, whatever is set today.

    A published run has no config.toml, which names folders; results.json holds the settings too.
    """
    # The folder itself: written through the link, `latest` would become a new run.
    out = str(run.resolve())
    file = run / "config.toml"
    if file.exists():
        return load(file, (f"out={out}",), {}, environ={})
    from suite.config import resolve_recorded
    from suite.results import schema as results

    recorded = results.read(run / "results.json").run.config
    if not recorded:
        raise MissingError(f"{run}: neither config.toml nor the settings in results.json")
    registry = registry_of(recorded.get("block", ()))
    source = str(run / "results.json")
    return resolve_recorded(registry, recorded, source, out=out), registry


def _score_files(
    bench: str, arguments: Sequence[str], settings: dict[str, tuple[str, ...]]
) -> Sequence[Metric]:
    from suite.config import benchmark_settings

    block = ",".join(settings["block"]) or None
    config, registry = load(None, settings["sets"], {"bench": bench, "block": block})
    benchmark = registry.benchmark(bench)
    if not benchmark.files:
        raise UserError(
            f"{bench} reads no files of other tools; `suite score --help` lists benchmarks that do"
        )
    files = _files(benchmark, arguments)
    return benchmark(benchmark_settings(config, registry, bench)).score_files(files).metrics


def _files(benchmark: type[Benchmark[Any]], arguments: Sequence[str]) -> dict[str, Path]:
    """Map options to the files given. Raises UserError if there is none, or one does not exist."""
    given = _parsed(
        [click.Option([_flag(name), name], type=FILE) for name in benchmark.files], arguments
    )
    files = {name: path for name, path in given.items() if path is not None}
    if not files:
        raise UserError(
            f"--bench {benchmark.name}: name a file: {', '.join(map(_flag, benchmark.files))}"
        )
    for name, path in files.items():
        if not path.is_file():
            raise MissingError(f"{_flag(name)} {path}: no such file")
    return files


def _parsed(parameters: Sequence[click.Parameter], arguments: Sequence[str]) -> dict[str, Any]:
    return (
        click.Command("score", params=list(parameters))
        .make_context("suite score", list(arguments))
        .params
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _row(metric: Metric) -> dict[str, Any]:
    from suite.report.numbers import number

    interval = (
        "" if metric.ci_low is None else f"[{number(metric.ci_low)}, {number(metric.ci_high)}]"
    )
    shown = {"metric": metric.name, "value": number(metric.value), "95 % interval": interval}
    return {
        **shown,
        "unit": metric.unit,
        "n": metric.n,
        "clusters": metric.n_clusters,
        "note": metric.note,
    }
