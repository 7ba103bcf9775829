"""Every command that the documentation shows is a real one, with real flags, methods and settings;
those of tutorial and how-to are executed on the embedded model."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from suite.cli import cli
from suite.cli.options import load
from tests.docs.blocks import OTHERS, PAGES, ROOT, blocks, commands, single_commands

SMALL = {
    "SUITE_FINETUNE__EPOCHS": "1",
    "SUITE_TRAIN__EPOCHS": "1",
    "SUITE_LIMIT": "4",
    "SUITE_EVALUATE": "final",
    "SUITE_DTYPE": "float32",
    "OMP_NUM_THREADS": "1",
}
"""The commands are executed as they are; the environment makes what they compute small."""

MADE_UP = {"capped_ga"}
"""The method that docs/plugins.md writes as an example."""


def check(arguments: list[str]) -> None:
    """Raises ClickException or UserError for what the command line does not know."""
    command: click.Command = cli
    while isinstance(command, click.Group):
        assert arguments, "a command is missing"
        found = command.get_command(click.Context(command), arguments[0])
        assert found is not None, f"no command {arguments[0]}"
        command, arguments = found, arguments[1:]
    context = click.Context(command, **command.context_settings)
    values, _, _ = command.make_parser(context).parse_args(list(arguments))
    named = {name.split(":")[0] for name in values.get("methods", "").split(",")}
    if named & MADE_UP or {"plugin_file", "file"} & values.keys():
        return  # a plugin, or a file, that is not here
    if command.name in ("run", "plan"):
        sets = tuple(values.pop("sets", ()))
        flags = {
            name: value for name, value in values.items() if name not in ("dry_run", "as_json")
        }
        load(None, sets, flags, {})


def identified(pages: list[Path]) -> list[object]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


@pytest.mark.parametrize("page", identified(PAGES))
def test_commands_of_tutorial_and_how_to_exist(page: Path) -> None:
    found = blocks(page)
    assert found
    for block in found:
        subprocess.run(["bash", "-n", "-c", block.code], check=True)
        assert not block.run_by or (ROOT / block.run_by).exists()
        for arguments in commands(block.code):
            check(arguments)


@pytest.mark.parametrize("page", identified(OTHERS))
def test_commands_of_other_pages_exist(page: Path) -> None:
    for arguments in single_commands(page):
        check(arguments)


def test_a_wrong_command_is_found() -> None:
    (line,) = commands("timeout 3 suite run --methods npo --bench tofu \\\n --sedes 1 || echo no")
    with pytest.raises(click.ClickException, match="sedes"):
        check(line)
    with pytest.raises(Exception, match="npoo"):
        check(["run", "--methods", "npoo"])
    with pytest.raises(Exception, match="bata"):
        check(["run", "--methods", "npo", "--set", "npo.bata=1"])


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What stands for models, data and devices that are not here: variable -> value."""
    from suite.model import folder as models
    from suite.tiny.model import initial_model
    from suite.tiny.tokenizer import build
    from tests.run.conftest import write_tables

    folder = tmp_path_factory.mktemp("stand_ins")
    tokenizer = build()
    for seed, name in enumerate(("MODEL", "TARGET", "RETRAIN", "JUDGE"), 1):
        models.save_model(initial_model(tokenizer, seed=seed), tokenizer, folder / name)
    write_tables(folder / "DATA")
    names = ("MODEL", "TARGET", "RETRAIN", "JUDGE", "DATA")
    return {name: str(folder / name) for name in names} | {"FIRST": "cpu", "SECOND": "cpu"}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all pages, as a user has."""
    return tmp_path_factory.mktemp("store")


@pytest.mark.documentation
@pytest.mark.parametrize("page", identified(PAGES))
def test_every_block_runs(
    page: Path, stand_ins: dict[str, str], store: Path, tmp_path: Path
) -> None:
    script = "".join(block.code for block in blocks(page) if not block.run_by)
    assigned = re.findall(r"^([A-Z]+)=", script, flags=re.MULTILINE)
    for name in assigned:
        script = re.sub(rf"^{name}=.*$", f"{name}={stand_ins[name]}", script, flags=re.MULTILINE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, **SMALL, "SUITE_STORE": str(store), "PATH": path}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=7200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
