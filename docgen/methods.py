"""A page for each method, and one that lists them all."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
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
from suite.api.finished import FinishedModel
from suite.api.method import Method
from suite.config.families import fits
from suite.config.fields import settings_of
from suite.registry import Registry
from suite.settings import TrainConfig

Class = type[Method[Any]]

REWARDS = {
    "": "no",
    "ground_truth": "the benchmark's ground truth",
    "model": "a reward model, which the run trains on the benchmark's pairs",
    "own": "the reward model that it trains itself",
}
EXAMPLES = ("tofu", "preferences")
"""Benchmarks that need no data of the user's."""


def pages(registry: Registry) -> dict[str, str]:
    """Path -> text."""
    found = {"reference/methods/index.md": _index(registry)}
    for cls in registry.methods():
        found[f"reference/methods/{cls.name}.md"] = _page(registry, cls)
    return found


def _index(registry: Registry) -> str:
    parts = [
        "# Methods",
        "Each method has a page: its equation, its paper, the data that it needs, the benchmarks "
        "that it runs on, and its settings. [The matrix](../matrix.md) shows which method runs on "
        "which benchmark; [Objectives side by side](../../explanation/objectives.md) compares "
        "them.",
    ]
    methods = sorted(registry.methods(), key=attrgetter("family", "name"))
    for family, members in groupby(methods, key=attrgetter("family")):
        rows = [[f"[`{cls.name}`]({cls.name}.md)", plain(summary(cls))] for cls in members]
        parts += [f"## {family}", table(["method", "what"], rows)]
    return "\n\n".join(parts) + "\n"


def _page(registry: Registry, cls: Class) -> str:
    doc = module_doc(cls)
    parts = [
        f"# `{cls.name}`",
        f"*{plain(summary(cls))}*",
        prose(doc),
        "## What it needs",
        table(["", ""], _needs(cls)),
        "## Where it runs",
        _where(registry, cls),
        "## Settings",
        _settings(cls),
    ]
    return "\n\n".join(parts) + "\n"


def _needs(cls: Class) -> list[list[str]]:
    named = [linked(f"arXiv {number}") for number in papers(module_doc(cls))]
    return [
        ["family", cls.family],
        ["papers", ", ".join(named) or "none named"],
        ["training data (roles)", ", ".join(map(code, sorted(cls.roles))) or "none"],
        ["trains", "yes" if cls.trains else "no: it answers with a model that is there"],
        ["reference model's log-probabilities", "yes, cached" if cls.needs_reference else "no"],
        ["reward", REWARDS[cls.needs_reward]],
    ]


def _where(registry: Registry, cls: Class) -> str:
    trained = [each for each in registry.benchmarks() if each.trains != "nothing"]
    fitting = [each for each in trained if fits(cls, each)]
    links = [f"[`{each.name}`](../benchmarks/{each.name}.md)" for each in fitting]
    if not fitting:
        return "On no built-in benchmark."
    name = f"{cls.name}:path=FOLDER" if issubclass(cls, FinishedModel) else cls.name
    shown = [each.name for each in fitting if each.name in EXAMPLES] or [fitting[0].name]
    example = f"    suite run --methods {name} --bench {shown[0]}"
    return f"On {', '.join(links)}. For example:\n\n{example}"


def _settings(cls: Class) -> str:
    own = "It has no settings of its own."
    if settings_of(cls.Config):
        own = settings_table(cls.name, cls.Config)
    if not cls.trains:
        return own
    training = (
        "The [training settings](../settings.md#training) may stand in its section too, such as "
        f"`--set {cls.name}.lr=1e-5`."
    )
    changed = [
        [code(f"{cls.name}.{name}"), code(value), plain(settings_of(TrainConfig)[name].doc)]
        for name, value in cls.train_defaults.items()
    ]
    if changed:
        training += " These have a default of its own:\n\n"
        training += table(["setting", "default", "meaning"], changed)
    return f"{own}\n\n{training}"
