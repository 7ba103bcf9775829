"""`suite config show` and `suite config schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from suite.cli.options import load, run_options


@click.group()
def config() -> None:
    """Show the resolved configuration, or all settings."""


@config.command()
@run_options
def show(file: Path | None, sets: tuple[str, ...], **flags: Any) -> None:
    """Print the resolved configuration as TOML; `suite run --config FILE` repeats it.

    \b
    Example:
      suite config show --methods npo --set npo.beta=0.05 > run.toml
    """
    from suite.config import to_toml

    click.echo(to_toml(*load(file, sets, flags)), nl=False)


@config.command()
def schema() -> None:
    """Print a JSON schema of the configuration file, for editors and for CI.

    \b
    Example:
      suite config schema > suite.schema.json
    """
    from suite.cli.installed import registry_of
    from suite.config import json_schema

    click.echo(json.dumps(json_schema(registry_of(())), indent=2))
