"""Hooks, flags, settings, methods, benchmarks and metrics are all documented.

What is written by hand is compared with the code; what is made of the code must not be empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from docgen.benchmarks import metrics_of
from docgen.commands import commands
from docgen.markdown import papers, prose
from docgen.pages import pages
from docgen.reports import SHOWN
from suite import hookspecs
from suite.cli import cli
from suite.config.fields import settings_of
from suite.registry import Registry
from suite.settings import RunConfig, TrainConfig
from suite.testing.benchmarks import BenchmarkUnderTest
from suite.testing.rules import DoesNotApply
from tests.test_names import metrics_of as metrics_of_picture

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
REGISTRY = Registry.load()
METHODS = REGISTRY.methods()
BENCHMARKS = REGISTRY.benchmarks()
WITHOUT_PAPER = {"cdpo", "model", "sft"}
"""Of a note on a web page; a model that is there; cross-entropy."""
WITHOUT_EQUATION = {"few_shot", "model", "ppo_gt", "zero_shot"}
"""Prompting and given models have no loss; ppo_gt's is ppo's."""


@cache
def generated() -> dict[str, str]:
    return pages()


def names(classes: list[Any]) -> list[Any]:
    return [pytest.param(cls, id=cls.name) for cls in classes]


def test_every_hook_is_documented() -> None:
    page = generated()["reference/hooks.md"]
    for name in (name for name in vars(hookspecs) if name.startswith("suite_")):
        section = page.split(f"## {name}\n")[1].split("\n## ")[0]
        assert f"def {name}(" in section and len(section.split("```")[2].split()) > 5


def test_every_flag_of_every_command_is_documented() -> None:
    page = generated()["reference/commands.md"]
    found = dict(commands("suite", cli))
    assert {"suite run", "suite list", "suite store why"} <= found.keys()
    for name, command in found.items():
        section = page.split(f"## {name}\n")[1].split("\n## ")[0]
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{name} {option.opts} has no help"
                assert option.opts[0] in section


@pytest.mark.parametrize("config", [RunConfig, TrainConfig])
def test_every_setting_of_run_and_training_is_documented(config: type[Any]) -> None:
    page = generated()["reference/settings.md"]
    section = "train." if config is TrainConfig else ""
    for each in settings_of(config).values():
        assert f"| `{section}{each.name}` |" in page
        assert each.doc


@pytest.mark.parametrize(
    "cls", names([*REGISTRY.engines(), *REGISTRY.judges(), *REGISTRY.attacks()])
)
def test_every_setting_of_engines_judges_and_attacks_is_documented(cls: type[Any]) -> None:
    page = generated()["reference/settings.md"]
    for each in settings_of(cls.Config).values():
        assert re.search(rf"\| `(judge_|attack_)?{cls.name}\.{each.name}` \|", page)
        assert each.doc


def test_every_attack_is_explained() -> None:
    page = (DOCS / "how-to" / "attacks.md").read_text()
    assert [cls.name for cls in REGISTRY.attacks() if f"| `{cls.name}` |" not in page] == []


@pytest.mark.parametrize("cls", names(METHODS))
def test_every_method_has_a_page_with_equation_paper_and_settings(cls: type[Any]) -> None:
    page = generated()[f"reference/methods/{cls.name}.md"]
    head = page.split("## What it needs")[0]
    assert re.search(r"^    \S*.*=", head, re.MULTILINE) or cls.name in WITHOUT_EQUATION
    assert papers(head) or "arxiv.org" in page or cls.name in WITHOUT_PAPER
    for each in settings_of(cls.Config).values():
        assert f"| `{cls.name}.{each.name}` |" in page
        assert each.doc
    for field in cls.train_defaults:
        assert f"| `{cls.name}.{field}` |" in page
    assert f"({cls.name}.md)" in generated()["reference/methods/index.md"]
    assert f"`{cls.name}`" in (DOCS / "explanation" / "objectives.md").read_text() or not cls.trains


@pytest.mark.parametrize("cls", names(BENCHMARKS))
def test_every_benchmark_has_a_page_with_metrics_and_settings(cls: type[Any]) -> None:
    page = generated()[f"reference/benchmarks/{cls.name}.md"]
    for name in (*cls.primary, *cls.splits, *cls.starts):
        assert f"`{name}`" in page
    for each in settings_of(cls.Config).values():
        assert f"| `{cls.name}.{each.name}` |" in page
        assert each.doc
    assert f"({cls.name}.md)" in generated()["reference/benchmarks/index.md"]


@pytest.mark.parametrize("cls", names(BENCHMARKS))
def test_every_metric_is_explained(cls: type[Any]) -> None:
    patterns = [re.compile(each) for each in documented(metrics_of(cls.name))]
    found = {*declared(cls), *published(cls.name), *reported(cls)} - {""}
    assert sorted(n for n in found if not any(p.fullmatch(n) for p in patterns)) == []


def documented(table: str) -> Iterator[str]:
    """The names in the first column, in which a word in capitals stands for anything."""
    for row in table.splitlines():
        for name in re.findall(r"`([^`]+)`", row.split(" | ")[0]):
            yield re.sub(r"[A-Z]{2,}", "[^/]+", re.escape(name))


def declared(cls: type[Any]) -> set[str]:
    found = {*cls.primary, *cls.reference_point, *(column.metric for column in cls.columns)}
    for picture in cls.pictures:
        if picture.kind != "distribution":  # of scores of items
            found |= metrics_of_picture(asdict(picture))
    return found


@cache
def cells() -> list[dict[str, Any]]:
    found = []
    for path in (ROOT / "reports").glob("*/results.json"):
        found += json.loads(path.read_text())["cells"]
    return found


def published(benchmark: str) -> set[str]:
    own = [cell for cell in cells() if cell["cell"]["benchmark"] == benchmark]
    return {metric["name"] for cell in own for metric in cell["metrics"]}


def reported(cls: type[Any]) -> set[str]:
    """What it reports of made-up answers to its own questions."""
    if cls.trains != "model":
        return set()
    try:
        return {metric.name for metric in BenchmarkUnderTest(cls).scores.metrics}
    except DoesNotApply:
        return set()


def test_every_kind_of_picture_has_a_page() -> None:
    kinds = {picture.kind for cls in BENCHMARKS for picture in cls.pictures}
    assert kinds == set(SHOWN)
    assert {path.stem for path in (DOCS / "pictures").glob("*.md")} == {*kinds, "index"}


def listed(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from [below] if isinstance(below, str) else listed(below)


def test_the_navigation_lists_every_page_once_and_no_other() -> None:
    nav = list(listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    written = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert len(nav) == len(set(nav))
    assert written <= set(nav) <= written | set(generated())


def test_links_between_pages_lead_somewhere() -> None:
    texts = {str(path.relative_to(DOCS)): path.read_text() for path in DOCS.rglob("*.md")}
    texts |= generated()
    made = {f"pictures/{kind}.svg" for kind in SHOWN}
    made |= {str(path.relative_to(ROOT)) for path in ROOT.glob("reports/*/leaderboard.html")}
    broken = []
    for page, text in texts.items():
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            target = str((DOCS / page).parent.joinpath(link).resolve().relative_to(DOCS.resolve()))
            if target not in texts and target not in made:
                broken.append(f"{page}: {link}")
    assert broken == []


def test_text_of_a_docstring_is_no_markup() -> None:
    text = "L = a\n\n    x_t * <y>\n\nlog pi_ref(y|x) [h] `f(x|y)` of arXiv\n2404.05868"
    code, rest = prose(text).split("\n\n")[1:]
    assert code == "    x_t * <y>"
    assert rest.startswith(r"log pi\_ref(y\|x) \[h\] `f(x|y)` of ")
    assert rest.endswith("[arXiv 2404.05868](https://arxiv.org/abs/2404.05868)")
