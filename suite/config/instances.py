"""What a run asks of its plugins: their settings, made of the user's sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suite.config.specs import split_bench
from suite.core.errors import UserError, unknown
from suite.engines.choice import AUTO, pick_engine
from suite.model.hardware import pick_device
from suite.registry import Registry
from suite.registry.checks import JUDGE_SECTION
from suite.settings import RunConfig


def benchmark_settings(config: RunConfig, registry: Registry, bench: str) -> Any:
    """Make the benchmark's Config from the user's section; `bench` as in --bench."""
    benchmark, own = split_bench(registry, bench)
    return instance(benchmark, {**config.sections.get(benchmark.name, {}), **own})


def chosen_splits(config: RunConfig, registry: Registry, bench: str) -> tuple[str, ...]:
    """List the splits of a benchmark that run.

    A benchmark that measures finished models has none to choose from.
    """
    benchmark, _ = split_bench(registry, bench)
    usual = benchmark.default_splits or benchmark.splits[:1]
    if not config.split or benchmark.trains == "nothing":
        return usual
    for split in config.split:
        if split not in benchmark.splits:
            raise unknown(f"split of {bench}", split, benchmark.splits)
    return config.split


def only_experiments(config: RunConfig, registry: Registry) -> bool:
    """Whether every benchmark trains in its own way, so that training settings have no effect."""
    return all(split_bench(registry, b)[0].trains == "loss" for b in config.bench)


def engine_settings(config: RunConfig, registry: Registry) -> Any:
    """Make the engine's Config from the user's section."""
    name = engine_of(config)
    return instance(registry.engine(name), config.sections.get(name, {}))


def engine_of(config: RunConfig) -> str:
    """The engine that answers: the one that is named, or what `auto` becomes here."""
    if config.engine != AUTO:
        return config.engine
    return pick_engine(config.engine, pick_device(config.device), config.model)[0]


def judge_settings(config: RunConfig, registry: Registry) -> Any:
    """Make the judge's Config from the user's section `judge_NAME`."""
    return instance(registry.judge(config.judge), config.sections.get(judge_section(config), {}))


def asks_judge(config: RunConfig, registry: Registry) -> bool:
    """Whether the run's judge counts: a benchmark asks one, or the user named one."""
    named = config.judge != RunConfig.judge or judge_section(config) in config.sections
    classes = [split_bench(registry, bench)[0] for bench in config.bench]
    return named or any(cls.judged for cls in classes)


def judge_section(config: RunConfig) -> str:
    """Name the section of the run's judge."""
    return f"{JUDGE_SECTION}{config.judge}"


def instance(cls: Any, values: Mapping[str, Any]) -> Any:
    """Make a Config; what its `__post_init__` refuses is the user's mistake."""
    try:
        return cls.Config(**values)
    except ValueError as error:
        raise UserError(f"settings of {cls.name}: {error}") from None
