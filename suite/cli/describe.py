"""`suite list NAME`: what one thing is, its paper and equation, what it needs, where it runs, its
settings and an example."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from suite.api.attack import Attack
from suite.api.benchmark import Benchmark, TextBenchmark
from suite.api.finished import FinishedModel
from suite.api.judge import Judge
from suite.api.method import Method
from suite.cli.streams import say
from suite.cli.tables import plain
from suite.config.check import OWN
from suite.config.families import fits
from suite.config.fields import Setting, settings_of
from suite.registry import Registry
from suite.settings import RunConfig, TrainConfig

WIDEST = 100
"""Longer lines are hard to read, however wide the terminal is."""
NEEDS = {
    "forget": "answers to forget (forget)",
    "retain": "answers to keep (retain)",
    "alternate": "other answers to the forget questions, such as refusals (alternate)",
    "pairs": "a chosen and a rejected answer to each prompt (pairs)",
    "mismatched": "the answers of pairs, each with another prompt (mismatched)",
    "prompts": "prompts to sample answers to (prompts)",
    "demonstrations": "questions with the answer to learn (demonstrations)",
}
"""Role -> what its rows are."""
REWARDS = {
    "ground_truth": "the benchmark's own reward of a text",
    "model": "a reward model, which the run trains on the benchmark's pairs",
    "own": "a reward model, which it trains itself",
}


def describe(registry: Registry, section: str, cls: type[Any]) -> None:
    """Print all that is known of a method, benchmark, engine, judge or attack.

    `section`: where its settings stand.
    """
    info = registry.plugin_of(cls)
    say(f"{cls.name}: {_kind(cls)}, from {info.distribution} {info.version}")
    for line in _documented(cls):
        say(line)
    for title, lines in _facts(registry, cls):
        _show(title, lines)
    dot = ":" if issubclass(cls, FinishedModel) else "."
    settings = settings_of(cls.Config)
    own = [line for each in settings.values() for line in _setting(f"{section}{dot}", each)]
    _show("Settings" if own else "Settings: none of its own", own)
    if issubclass(cls, Method) and cls.trains:
        _show("Settings of training, which a benchmark's protocol may change", [*_training(cls)])
    if "suite run" not in (sys.modules[cls.__module__].__doc__ or ""):  # else it has one already
        _show("Example", [_example(registry, cls)])


def _kind(cls: type[Any]) -> str:
    if issubclass(cls, Method):
        return f"method, {cls.family}"
    bases = (("benchmark", Benchmark), ("judge", Judge), ("attack", Attack))
    return next((name for name, base in bases if issubclass(cls, base)), "engine")


def _documented(cls: type[Any]) -> Iterator[str]:
    """What its module says, where papers and equations stand; else what the class says."""
    module = sys.modules[cls.__module__].__doc__ or ""
    text = module if module.strip() else cls.__doc__ or ""
    for paragraph in textwrap.dedent(text.strip()).split("\n\n"):
        yield ""
        if paragraph.startswith(" "):  # an equation, a table: its lines are as they must be
            for line in paragraph.splitlines():
                yield from _wrapped(line, 0, hanging=8) if line.strip() else [""]
        else:
            yield from _wrapped(" ".join(paragraph.split()), 0)


def _facts(registry: Registry, cls: type[Any]) -> Iterator[tuple[str, list[str]]]:
    """What it needs, and where it runs."""
    if issubclass(cls, Method):
        yield "Needs", [line for need in _needs(cls) for line in _item(need)]
        yield "Runs on", _listed(_benchmarks(registry, cls))
    elif issubclass(cls, Benchmark):
        yield "Headline metrics", _listed(cls.primary)
        yield "Splits", _listed(cls.splits)
        yield "Start models", _listed(cls.starts)
        yield "Offers to train on", _listed(sorted(cls.provides))
        yield "Methods that run on it", _listed(_methods(registry, cls))
    elif issubclass(cls, Attack):
        yield "Runs on", _listed(_attackable(registry))
    elif cls.extra:
        yield "Needs", [f"  the package {cls.extra}"]


def _needs(cls: type[Method[Any]]) -> Iterator[str]:
    """What a method needs to be there."""
    for role in sorted(cls.roles):
        yield NEEDS.get(role, role)
    if cls.needs_reference or cls.needs_reference_hidden:
        yield "what the starting model says of these answers (computed once, shared by all methods)"
    if cls.needs_reward:
        yield REWARDS[cls.needs_reward]
    if not cls.trains:
        yield "no training"


def _benchmarks(registry: Registry, cls: type[Method[Any]]) -> list[str]:
    """The benchmarks with what a method needs; those of finished models measure any."""
    return [
        each.name for each in registry.benchmarks() if each.trains == "nothing" or fits(cls, each)
    ]


def _methods(registry: Registry, cls: type[Benchmark[Any]]) -> list[str]:
    if cls.trains == "nothing":
        return ["the models of every method that the run's other benchmarks make"]
    return [method.name for method in registry.methods() if fits(method, cls)]


def _attackable(registry: Registry) -> list[str]:
    """The benchmarks that say what is to be forgotten."""
    texts = [cls for cls in registry.benchmarks() if issubclass(cls, TextBenchmark)]
    return [cls.name for cls in texts if cls.knowledge is not None]


def _training(cls: type[Method[Any]]) -> Iterator[str]:
    """How it trains where nobody says otherwise."""
    for name, setting in {**settings_of(TrainConfig), **OWN}.items():
        default = cls.train_defaults.get(name, setting.default)
        shown = Setting(name, setting.type, default, setting.doc)
        yield from _setting(f"{cls.name}.", shown)


def _setting(prefix: str, setting: Setting) -> Iterator[str]:
    default = "not set" if setting.default in (None, (), "") else plain(setting.default)
    yield f"  {prefix}{setting.name} = {default}"
    yield from _wrapped(setting.doc, 6)


def _example(registry: Registry, cls: type[Any]) -> str:
    """A command that uses it, with the run's defaults for the rest."""
    usual = RunConfig()
    methods, bench = ",".join(usual.methods), usual.bench[0]
    further = ""
    if issubclass(cls, Method):
        methods = f"{cls.name}:path=FOLDER" if issubclass(cls, FinishedModel) else cls.name
        fitting = _benchmarks(registry, cls)
        bench = bench if bench in fitting else next(iter(fitting), "BENCHMARK")
    elif issubclass(cls, Benchmark) and cls.trains == "nothing":
        bench += f",{cls.name}" + (f":{cls.argument.upper()}" if cls.argument else "")
    elif issubclass(cls, Benchmark):
        methods, bench = ",".join(_methods(registry, cls)[:2]), cls.name
    elif issubclass(cls, Judge):
        judged = next(each for each in registry.benchmarks() if each.judged)
        methods, bench = ",".join(_methods(registry, judged)[:2]), judged.name
        further = f" --judge {cls.name}"
    elif issubclass(cls, Attack):
        further = f" --attack {cls.name}"
    else:
        further = f" --engine {cls.name}"
    return f"  suite run --methods {methods} --bench {bench}{further}"


def _show(title: str, lines: Sequence[str]) -> None:
    """A part of the description; one without lines has its title only if that says so."""
    if not lines and ":" not in title:
        return
    say("")
    say(title)
    for line in lines:
        say(line)


def _listed(names: Sequence[str]) -> list[str]:
    return [*_wrapped(", ".join(names), 2)] if names else []


def _item(text: str) -> Iterator[str]:
    first, *rest = _wrapped(text, 4)
    yield f"  - {first.strip()}"
    yield from rest


def _wrapped(text: str, indent: int, hanging: int = 0) -> list[str]:
    """Lines no wider than the terminal; no word is cut. `hanging`: further spaces from the second
    line on."""
    return textwrap.wrap(
        text,
        min(shutil.get_terminal_size().columns, WIDEST),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_on_hyphens=False,
        break_long_words=False,
    )
