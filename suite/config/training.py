"""Settings of training: of one method on one benchmark, and of the start models.

A method's training settings come from these layers, each overriding the ones before:

    TrainConfig's defaults
    the paper's                    Method.train_defaults
    the benchmark's protocol       Benchmark.defaults
    the user's section [train]
    the user's section of the method
    the variant in --methods       npo:beta=0.5:lr=1e-4
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, cast

from suite.api.method import Method
from suite.config.check import AT_LEAST, OWN, TRAIN, checked, convert
from suite.config.instances import benchmark_settings, chosen_splits, instance
from suite.config.layers import Given, from_mapping
from suite.config.specs import split_bench, split_spec
from suite.registry import Registry
from suite.settings import RunConfig, TrainConfig


def training_protocols(config: RunConfig, registry: Registry) -> tuple[tuple[str, str], ...]:
    """List (benchmark, split) whose protocols say how to train.

    Benchmarks that measure finished models have no such protocol.
    """
    training = [b for b in config.bench if split_bench(registry, b)[0].trains != "nothing"]
    benches = training or config.bench
    protocols: list[tuple[str, str]] = []
    for bench in benches:
        splits = chosen_splits(config, registry, bench)
        protocols += [(bench, split) for split in splits]
    return tuple(protocols)


def finetune_settings(config: RunConfig, registry: Registry, bench: str, split: str) -> TrainConfig:
    """Say how start models are trained: defaults < the benchmark's protocol < [finetune]."""
    return train_section(config, registry, bench, split, "finetune")


def method_settings(
    config: RunConfig, registry: Registry, spec: str, bench: str, split: str
) -> tuple[Any, TrainConfig]:
    """Make the method's Config and its training settings on a benchmark's split.

    `spec` as in --methods.
    """
    name, variant = split_spec(registry, spec)
    return settings_of_method(config, registry, registry.method(name), variant, bench, split)


def smallest_lr(config: RunConfig, registry: Registry) -> float:
    """The smallest learning rate with which a method of the run trains; infinite if none trains."""
    smallest = float("inf")
    for bench, split in training_protocols(config, registry):
        for spec in config.methods:
            if not registry.method(split_spec(registry, spec)[0]).trains:
                continue
            _, training = method_settings(config, registry, spec, bench, split)
            smallest = min(smallest, training.lr)
    return smallest


def settings_of_method(
    config: RunConfig,
    registry: Registry,
    method: type[Method[Any]],
    variant: Mapping[str, Any],
    bench: str,
    split: str,
) -> tuple[Any, TrainConfig]:
    """The same of a method's class; `variant`: what is set for it above all."""
    name = method.name
    protocol = protocol_of(config, registry, bench, split)
    source = f"{registry.name_plugin(method)}{method.__name__}.train_defaults"
    paper = {
        field: convert(TRAIN[field], Given(name, field, value, source), AT_LEAST.get(field))
        for field, value in method.train_defaults.items()
    }
    own = {**protocol.get(name, {}), **config.sections.get(name, {}), **variant}
    shared = {**protocol.get("train", {}), **config.sections.get("train", {})}
    training = {field: value for field, value in own.items() if field in TRAIN}
    settings = instance(method, {field: value for field, value in own.items() if field not in OWN})
    return settings, TrainConfig(**{**paper, **shared, **training})


def method_seeds(config: RunConfig, registry: Registry, spec: str) -> tuple[int, ...]:
    """The seeds of a method, as in --methods: those of its own section, otherwise the run's."""
    name, variant = split_spec(registry, spec)
    own = {**config.sections.get(name, {}), **variant}
    return cast("tuple[int, ...]", own.get("seeds", config.seeds))


def seeds_of(config: RunConfig, registry: Registry) -> tuple[int, ...]:
    """All seeds of a run, in order."""
    seeds = set(config.seeds)
    for spec in config.methods:
        seeds.update(method_seeds(config, registry, spec))
    return tuple(sorted(seeds))


def agreed(settings: Sequence[Any]) -> dict[str, Any]:
    """Return the fields on which instances of one dataclass agree."""
    first, *others = map(asdict, settings)
    shared = dict(first)
    for other in others:
        shared = {name: value for name, value in shared.items() if other[name] == value}
    return shared


def train_section(
    config: RunConfig, registry: Registry, bench: str, split: str, section: str
) -> TrainConfig:
    """The settings of [train] or [finetune]: defaults < the benchmark's protocol < the user's."""
    protocol = protocol_of(config, registry, bench, split)
    default: TrainConfig = getattr(RunConfig(), section)
    return replace(default, **{**protocol.get(section, {}), **config.sections.get(section, {})})


def protocol_of(
    config: RunConfig, registry: Registry, bench: str, split: str
) -> dict[str, dict[str, Any]]:
    """Ask the benchmark for its protocol's settings, for model and split, and check them."""
    benchmark, _ = split_bench(registry, bench)
    source = f"{registry.plugin_of(benchmark)}: {benchmark.__name__}.defaults"
    prescribed = benchmark(benchmark_settings(config, registry, bench)).defaults(
        config.model, split
    )
    protocol: dict[str, dict[str, Any]] = {}
    for given in from_mapping(prescribed, source):
        if not unavailable(registry, given.section):
            protocol.setdefault(given.section, {})[given.field] = checked(registry, given)
    return protocol


def unavailable(registry: Registry, section: str) -> bool:
    """Whether a section's plugin is not loaded; the section may stay in a configuration file."""
    return any(
        info.name == section and info.status in ("blocked", "broken") for info in registry.plugins()
    )
