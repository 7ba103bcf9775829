"""`suite data`: what a benchmark reads in a folder, and which files it could read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from suite.cli.installed import block_option, json_option
from suite.cli.options import load
from suite.cli.streams import say
from suite.cli.tables import show_table
from suite.core.errors import UserError

if TYPE_CHECKING:
    from suite.api.benchmark import TextBenchmark
    from suite.registry import Registry
    from suite.settings import RunConfig


@click.command()
@click.argument("folder", required=False)
@click.option("--bench", default="forget", show_default=True, metavar="NAME", help="Who reads it.")
@click.option("--split", metavar="NAME", help="Split of the benchmark; default: its first.")
@click.option("--model", metavar="NAME", help="Count the tokens of this model; default: words.")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="SECTION.FIELD=VALUE",
    help="A setting of the benchmark.",
)
@block_option
@json_option
def data(folder: str | None, sets: tuple[str, ...], as_json: bool, **flags: Any) -> None:
    """Show what a benchmark reads in FOLDER, or its formats.

    FOLDER may also be a file or a hub id, as of `suite run --data`. No model is loaded. What forget
    and retain share is shown here; a run refuses it.

    \b
    Examples:
      suite data mine
      suite data mine --model HuggingFaceTB/SmolLM2-135M-Instruct --json
      suite data path/to/tofu --bench tofu --split forget01
      suite data --bench preferences
    """
    flags["block"] = ",".join(flags["block"]) or None
    config, registry = load(None, sets, {**flags, "data": folder})
    benchmark = _benchmark(config, registry, flags["bench"])
    found = _described(benchmark, config, flags["model"]) if folder else _formats(benchmark)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    elif folder:
        _show(found)
    else:
        _show_formats(benchmark.name, found["files"])


def _benchmark(config: RunConfig, registry: Registry, name: str) -> TextBenchmark[Any]:
    """The benchmark with its settings. UserError: it reads no data."""
    from suite.config import benchmark_settings

    cls = registry.benchmark(name)
    if cls.trains != "model":
        raise UserError(f"benchmark {name!r} reads no --data")
    return cast("TextBenchmark[Any]", cls(benchmark_settings(config, registry, name)))


def _formats(benchmark: TextBenchmark[Any]) -> dict[str, Any]:
    from suite.report.data import formats

    return {"benchmark": benchmark.name, "files": formats(benchmark)}


def _described(
    benchmark: TextBenchmark[Any], config: RunConfig, model: str | None
) -> dict[str, Any]:
    from suite.api.data import Source
    from suite.core.places import model_name
    from suite.model.tokens import ModelTokens
    from suite.report.data import Words, described

    source = Source(
        config.data,
        split=(*config.split, *benchmark.splits)[0],
        tiny=model == "tiny",
        limit=config.limit,
        allow_overlap=True,
        tokens=ModelTokens(model) if model else Words(),
    )
    return described(benchmark, source, f"tokens of {model_name(model)}" if model else "words")


def _show(found: Mapping[str, Any]) -> None:
    files = []
    for file in found["files"]:
        columns = [
            name if number == file["rows"] else f"{name} ({number})"
            for name, number in file["columns"].items()
        ]
        files.append({**file, "columns": columns})
    if files:
        show_table(f"files of {found['revision']}", files)
    lengths = f"length of a text in {found['unit']}"
    for kind, title in (("trained", "trained on, by role"), ("asked", "asked about, by set")):
        if found[kind]:
            show_table(f"{title}; {lengths}", found[kind])
    for overlap in found["overlaps"]:
        say(f"overlap: {overlap['texts']} texts of {' and '.join(overlap['between'])}")
    if not found["overlaps"]:
        say("overlap: none")
    for lack in found["without"]:
        say(f"no {lack['file']}: no value for {', '.join(lack['metrics'])}")
    for note in found["notes"]:
        say(f"note: {note}")


def _show_formats(name: str, files: Sequence[Mapping[str, Any]]) -> None:
    say(f"Files of --bench {name}, each in .jsonl, .json, .csv or .parquet:")
    for file in files:
        optional = "" if file["required"] else " (optional)"
        say(f"\n{file['name']}{optional}: {file['holds']}")
        if file["without"]:
            say(f"  without it: no {', '.join(file['without'])}")
        for example in file["examples"]:
            say(f"  {example}")
