"""Merging the layers into a RunConfig, and into the settings of one method on one benchmark.

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
from pathlib import Path
from typing import Any, cast

from suite.api.benchmark import Experiment
from suite.api.judged import JudgedBenchmark
from suite.api.measured import ModelBenchmark
from suite.api.method import Method
from suite.config.check import AT_LEAST, OWN, TRAIN, checked, convert
from suite.config.families import with_families
from suite.config.layers import TOP, Given, from_mapping, layers
from suite.config.specs import spelled_out, split_bench, split_spec
from suite.core.errors import UserError, unknown
from suite.loggers import LOGGERS
from suite.registry import Registry
from suite.registry.checks import JUDGE_SECTION
from suite.settings import RunConfig, TrainConfig


def blocked(
    file: Path | None, flags: Mapping[str, Any], sets: Sequence[str], environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the plugins that must not be loaded: a setting needed before there is a registry."""
    asked = [given for given in layers(file, environ, flags, sets) if given.name == "block"]
    return cast("tuple[str, ...]", convert(TOP["block"], asked[-1])) if asked else ()


def resolve(
    registry: Registry,
    file: Path | None,
    flags: Mapping[str, Any],
    sets: Sequence[str],
    environ: Mapping[str, str],
) -> RunConfig:
    """Merge the layers and check every value.

    `sections` of the result holds what the user set, by section. `train` and `finetune` hold the
    protocol of the benchmarks where they agree; with several of them use `method_settings` and
    `finetune_settings`. UserError names layer, setting, value and the nearest name.
    """
    return _merged(registry, layers(file, environ, flags, sets))


def resolve_recorded(
    registry: Registry, recorded: Mapping[str, Any], source: str, **own: Any
) -> RunConfig:
    """Read the settings that a run has left in results.json; `own` overrides the run's own fields.

    It records `train` and `finetune` resolved. What the user said is in `sections`, which is read.
    """
    top = {name: value for name, value in recorded.items() if name in TOP}
    content = {**top, **own, **recorded.get("sections", {})}
    # None of the run's own settings has another meaning for null than its default.
    known = {name: value for name, value in content.items() if value is not None}
    return _merged(registry, list(from_mapping(known, source)))


def _merged(registry: Registry, found: Sequence[Given]) -> RunConfig:
    top: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {}
    for given in found:
        if not _unavailable(registry, given.section):
            target = sections.setdefault(given.section, {}) if given.section else top
            target[given.field] = checked(registry, given)
    top["bench"] = spelled_out(registry, top.get("bench", RunConfig.bench))
    no_methods = _methods_by_default(registry, top["bench"])
    config = RunConfig(**{**no_methods, **top}, sections=sections)
    config = replace(config, methods=_with_families(config, registry))
    for field in ("bench", "seeds") if no_methods else ("methods", "bench", "seeds"):
        _check_given(field, getattr(config, field))
    _check_names_and_sections(config, registry)
    protocols = training_protocols(config, registry)
    trains = [_section(config, registry, bench, split, "train") for bench, split in protocols]
    finetunes = [finetune_settings(config, registry, bench, split) for bench, split in protocols]
    return replace(
        config,
        train=replace(config.train, **agreed(trains)),
        finetune=replace(config.finetune, **agreed(finetunes)),
    )


def _with_families(config: RunConfig, registry: Registry) -> tuple[str, ...]:
    benchmarks = [split_bench(registry, bench)[0] for bench in config.bench]

    def check(spec: str) -> None:
        method = registry.method(split_spec(registry, spec)[0])
        for bench, split in training_protocols(config, registry):
            own, _ = method_settings(config, registry, spec, bench, split)
            method(own)

    return with_families(registry, config.methods, benchmarks, check)


def _check_names_and_sections(config: RunConfig, registry: Registry) -> None:
    """Refuse what is named twice, unknown loggers, and settings that their section cannot take."""
    for field in ("methods", "bench", "split", "seeds"):
        _check_distinct(field, getattr(config, field))
    for name in config.log:
        if name not in {*LOGGERS, *(info.name for info in registry.plugins())}:
            raise unknown("logger", name, LOGGERS)
    if config.template != "chat" and "{prompt}" not in config.template:
        raise UserError(f"template is {config.template!r}, but should be 'chat' or hold {{prompt}}")
    engine_settings(config, registry)
    if asks_judge(config, registry):
        judge_settings(config, registry)
    for bench in config.bench:
        for split in chosen_splits(config, registry, bench):
            for spec in config.methods:
                method_settings(config, registry, spec, bench, split)
    for spec in config.methods:
        _check_distinct(f"seeds of {spec}", method_seeds(config, registry, spec))


def benchmark_settings(config: RunConfig, registry: Registry, bench: str) -> Any:
    """Make the benchmark's Config from the user's section; `bench` as in --bench."""
    benchmark, own = split_bench(registry, bench)
    return _instance(benchmark, {**config.sections.get(benchmark.name, {}), **own})


def chosen_splits(config: RunConfig, registry: Registry, bench: str) -> tuple[str, ...]:
    """List the splits of a benchmark that run.

    A benchmark that measures finished models has none to choose from.
    """
    benchmark, _ = split_bench(registry, bench)
    usual = benchmark.default_splits or benchmark.splits[:1]
    if not config.split or issubclass(benchmark, ModelBenchmark):
        return usual
    for split in config.split:
        if split not in benchmark.splits:
            raise unknown(f"split of {bench}", split, benchmark.splits)
    return config.split


def only_experiments(config: RunConfig, registry: Registry) -> bool:
    """Whether every benchmark trains in its own way, so that training settings have no effect."""
    return all(issubclass(split_bench(registry, b)[0], Experiment) for b in config.bench)


def training_protocols(config: RunConfig, registry: Registry) -> tuple[tuple[str, str], ...]:
    """List (benchmark, split) whose protocols say how to train.

    Benchmarks that measure finished models have no such protocol.
    """
    training = [
        b for b in config.bench if not issubclass(split_bench(registry, b)[0], ModelBenchmark)
    ]
    benches = training or config.bench
    protocols: list[tuple[str, str]] = []
    for bench in benches:
        splits = chosen_splits(config, registry, bench)
        protocols += [(bench, split) for split in splits]
    return tuple(protocols)


def engine_settings(config: RunConfig, registry: Registry) -> Any:
    """Make the engine's Config from the user's section."""
    return _instance(registry.engine(config.engine), config.sections.get(config.engine, {}))


def judge_settings(config: RunConfig, registry: Registry) -> Any:
    """Make the judge's Config from the user's section `judge_NAME`."""
    return _instance(registry.judge(config.judge), config.sections.get(judge_section(config), {}))


def asks_judge(config: RunConfig, registry: Registry) -> bool:
    """Whether the run's judge counts: a benchmark asks one, or the user named one."""
    named = config.judge != RunConfig.judge or judge_section(config) in config.sections
    classes = [split_bench(registry, bench)[0] for bench in config.bench]
    return named or any(issubclass(cls, JudgedBenchmark) for cls in classes)


def judge_section(config: RunConfig) -> str:
    """Name the section of the run's judge."""
    return f"{JUDGE_SECTION}{config.judge}"


def finetune_settings(config: RunConfig, registry: Registry, bench: str, split: str) -> TrainConfig:
    """Say how start models are trained: defaults < the benchmark's protocol < [finetune]."""
    return _section(config, registry, bench, split, "finetune")


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
    protocol = _protocol(config, registry, bench, split)
    source = f"{registry.name_plugin(method)}{method.__name__}.train_defaults"
    paper = {
        field: convert(TRAIN[field], Given(name, field, value, source), AT_LEAST.get(field))
        for field, value in method.train_defaults.items()
    }
    own = {**protocol.get(name, {}), **config.sections.get(name, {}), **variant}
    shared = {**protocol.get("train", {}), **config.sections.get("train", {})}
    training = {field: value for field, value in own.items() if field in TRAIN}
    settings = _instance(method, {field: value for field, value in own.items() if field not in OWN})
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


def _methods_by_default(registry: Registry, bench: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Choose no method where all benchmarks measure finished models: there are no training data."""
    only_models = bench and all(
        issubclass(split_bench(registry, spec)[0], ModelBenchmark) for spec in bench
    )
    return {"methods": ()} if only_models else {}


def agreed(settings: Sequence[Any]) -> dict[str, Any]:
    """Return the fields on which instances of one dataclass agree."""
    first, *others = map(asdict, settings)
    shared = dict(first)
    for other in others:
        shared = {name: value for name, value in shared.items() if other[name] == value}
    return shared


def _section(
    config: RunConfig, registry: Registry, bench: str, split: str, section: str
) -> TrainConfig:
    protocol = _protocol(config, registry, bench, split)
    default: TrainConfig = getattr(RunConfig(), section)
    return replace(default, **{**protocol.get(section, {}), **config.sections.get(section, {})})


def _protocol(
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
        if not _unavailable(registry, given.section):
            protocol.setdefault(given.section, {})[given.field] = checked(registry, given)
    return protocol


def _instance(cls: Any, values: Mapping[str, Any]) -> Any:
    """Make a Config; what its `__post_init__` refuses is the user's mistake."""
    try:
        return cls.Config(**values)
    except ValueError as error:
        raise UserError(f"settings of {cls.name}: {error}") from None


def _unavailable(registry: Registry, section: str) -> bool:
    """Whether a section's plugin is not loaded; the section may stay in a configuration file."""
    return any(
        info.name == section and info.status in ("blocked", "broken") for info in registry.plugins()
    )


def _check_given(field: str, values: Sequence[Any]) -> None:
    if not values:
        raise UserError(f"{field} is empty; name at least one")


def _check_distinct(field: str, values: Sequence[Any]) -> None:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise UserError(f"{field}: {value!r} is given twice")
        seen.add(value)
