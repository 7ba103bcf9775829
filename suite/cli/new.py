"""`suite new`: a small package to start from, complete with a test."""

from __future__ import annotations

import keyword
from pathlib import Path

import click

from suite.cli.installed import registry_of
from suite.cli.streams import say
from suite.core.errors import UserError
from suite.registry.checks import RESERVED
from suite.registry.plugin import NAME

TEMPLATES = Path(__file__).parent / "templates"
KINDS = ("method", "benchmark", "judge")


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
def new(kind: str, name: str) -> None:
    """Write a package with a new method, benchmark or judge.

    The folder NAME is made here, with pyproject.toml, one module, a test and a README. It works
    as it is: install it, and change the module. Nothing that is there is overwritten.

    \b
    Examples:
      suite new method my_method && pip install -e ./my_method
      suite new benchmark rivers
    """
    _check_name(name)
    folder = Path(name)
    try:
        folder.mkdir()
    except FileExistsError:
        raise UserError(
            f"{name}: there is such a file or folder already; choose another name"
        ) from None
    for path, text in files(kind, name).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        say(str(target))
    click.echo()
    say(f"next: pip install -e ./{name} && suite check {name}")
    say(f"then: the commands in {name}/README.md")


def files(kind: str, name: str) -> dict[str, str]:
    """The files of a package: path -> content."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # code and text, no page: nothing to escape
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
        trim_blocks=True,
    )
    module = f"suite_{name}"
    words = {
        "kind": kind,
        "name": name,
        "module": module,
        "dashed": name.replace("_", "-"),
        "title": "".join(part.capitalize() for part in name.split("_")),
    }
    made = {
        "pyproject.toml": "pyproject.toml.jinja",
        "README.md": "README.md.jinja",
        f"{module}.py": f"{kind}.py.jinja",
        f"tests/test_{name}.py": "test.py.jinja",
    }
    return {path: environment.get_template(each).render(words) for path, each in made.items()}


def _check_name(name: str) -> None:
    """Refuse what cannot be the name of a plugin, or is one already."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name) or name.endswith("_"):
        raise UserError(
            f"{name!r} cannot be a name: a-z, then a-z, 0-9 or _, and no word of Python"
        )
    if name in RESERVED:
        raise UserError(f"{name!r} is a setting of the run; choose another name")
    registry = registry_of(())
    taken = {info.name: f"plugin of {info.distribution}" for info in registry.plugins()}
    for what, classes in (
        ("method", registry.methods()),
        ("benchmark", registry.benchmarks()),
        ("engine", registry.engines()),
        ("judge", registry.judges()),
    ):
        taken |= {cls.name: f"{what} of {registry.plugin_of(cls).distribution}" for cls in classes}
    if name in taken:
        raise UserError(f"{name!r} is the name of a {taken[name]} already; choose another")
