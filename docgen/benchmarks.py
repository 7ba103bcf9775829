"""A page for each benchmark, and one that lists them all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docgen.markdown import (
    code,
    linked,
    module_doc,
    papers,
    plain,
    prose,
    settings_table,
    summary,
    table,
)
from suite.api.benchmark import Benchmark
from suite.config.families import fits
from suite.registry import Registry

Class = type[Benchmark[Any]]

METRICS = Path(__file__).parent.parent / "docs" / "explanation" / "metrics.md"
TRAINS = {
    "model": "a language model",
    "loss": "a small problem of its own, by each method's loss; there is no language model",
    "nothing": "nothing: it measures the models that the run's other benchmarks leave",
}


def pages(registry: Registry) -> dict[str, str]:
    """Path -> text."""
    rows = [
        [f"[`{cls.name}`]({cls.name}.md)", plain(summary(cls)), ", ".join(map(code, cls.primary))]
        for cls in registry.benchmarks()
    ]
    index = ["# Benchmarks", table(["benchmark", "what", "headline metrics"], rows)]
    found = {"reference/benchmarks/index.md": "\n\n".join(index) + "\n"}
    for cls in registry.benchmarks():
        found[f"reference/benchmarks/{cls.name}.md"] = _page(registry, cls)
    return found


def _page(registry: Registry, cls: Class) -> str:
    parts = [
        f"# `{cls.name}`",
        f"*{plain(summary(cls))}*",
        prose(module_doc(cls)),
        "## At a glance",
        table(["", ""], _facts(cls)),
        "## Metrics",
        _metrics(cls),
        "## Methods that run on it",
        _methods(registry, cls),
        "## Settings",
        settings_table(cls.name, cls.Config),
    ]
    if cls.notes:
        parts += ["## What to know", *map(plain, cls.notes)]
    return "\n\n".join(parts) + "\n"


def _facts(cls: Class) -> list[list[str]]:
    kinds = dict.fromkeys(picture.kind for picture in cls.pictures)
    pictures = [f"[{kind}](../../pictures/{kind}.md)" for kind in kinds]
    named = [linked(f"arXiv {number}") for number in papers(module_doc(cls))]
    files = [f"{code(each.name)} ({plain(each.holds)})" for each in cls.data_files]
    return [
        ["trains", TRAINS[cls.trains]],
        ["papers", ", ".join(named) or "none named"],
        ["splits", ", ".join(map(code, cls.splits))],
        ["start models", ", ".join(map(code, cls.starts)) or "none"],
        ["offers as training data (roles)", ", ".join(map(code, sorted(cls.provides))) or "none"],
        ["files that it reads from `--data`", ", ".join(files) or "none"],
        ["a judge compares answers", "yes" if cls.judged else "no"],
        ["pictures", ", ".join(pictures)],
    ]


def _metrics(cls: Class) -> str:
    """Its headline metrics, and its part of the page on metrics."""
    headline = ", ".join(map(code, cls.primary))
    return (
        f"Headline: {headline}. What each number means, and when not to believe it, is told in "
        f"[Metrics](../../explanation/metrics.md#{cls.name}).\n\n{metrics_of(cls.name)}"
    )


def metrics_of(name: str) -> str:
    """The table of a benchmark's metrics in docs/explanation/metrics.md."""
    page = METRICS.read_text()
    section = re.search(rf"^## {name} .*?(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    if section is None:
        raise LookupError(f"{METRICS} has no section {name!r}")
    rows = [line for line in section[0].splitlines() if line.startswith("|")]
    return "\n".join(rows)


def _methods(registry: Registry, cls: Class) -> str:
    if cls.trains == "nothing":
        return "It trains nothing: name it beside another benchmark, whose models it measures."
    fitting = [method for method in registry.methods() if fits(method, cls)]
    return ", ".join(f"[`{each.name}`](../methods/{each.name}.md)" for each in fitting) + "."
