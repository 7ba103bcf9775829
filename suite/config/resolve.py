"""Merging the layers into a RunConfig, and into the settings of one method on one benchmark.

A method's training settings come from, each overriding the one before: TrainConfig's defaults, the paper's
(`Method.train_defaults`), the benchmark's protocol (`Benchmark.defaults`), the user's [train], the user's
section of the method, the variant in --methods (`npo:beta=0.5:lr=1e-4`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from suite.benchmark import Benchmark
from suite.config.check import OWN, TRAIN, checked, convert
from suite.config.families import with_families
from suite.config.layers import TOP, Given, from_mapping, layers
from suite.errors import UserError, unknown
from suite.loggers import LOGGERS
from suite.model_benchmark import ModelBenchmark
from suite.registry import Registry
from suite.registry.checks import JUDGE_SECTION
from suite.settings import RunConfig, TrainConfig


def blocked(
    file: Path | None, flags: Mapping[str, Any], sets: Sequence[str], environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the plugins that must not be loaded: the one setting needed before there is a registry."""
    asked = [given for given in layers(file, environ, flags, sets) if given.name == "block"]
    return cast("tuple[str, ...]", convert(TOP["block"], asked[-1])) if asked else ()


def resolve(
    registry: Registry,
    file: Path | None,
    flags: Mapping[str, Any],
    sets: Sequence[str],
    environ: Mapping[str, str],
) -> RunConfig:
    """Merge the layers and check every value. UserError names layer, setting, value and the nearest name.

    `sections` of the result holds what the user set, by section. `train` and `finetune` hold the protocol of
    the benchmarks where they agree; with several of them use `method_settings` and `finetune_settings`.
    """
    return _merged(registry, layers(file, environ, flags, sets))


def resolve_recorded(
    registry: Registry, recorded: Mapping[str, Any], source: str, **own: Any
) -> RunConfig:
    """Read the settings that a run has left in results.json; `own` overrides the run's own fields.

    It records `train` and `finetune` resolved. What the user said stands in `sections`, which is read.
    """
    top = {name: value for name, value in recorded.items() if name in TOP}
    content = {**top, **own, **recorded.get("sections", {})}
    # A setting that is null is at its default or was said to be none; only the run's own are left out.
    known = {name: value for name, value in content.items() if value is not None}
    return _merged(registry, list(from_mapping(known, source)))


def _merged(registry: Registry, found: Sequence[Given]) -> RunConfig:
    top: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {}
    for given in found:
        if not _unavailable(registry, given.section):
            target = sections.setdefault(given.section, {}) if given.section else top
            target[given.field] = checked(registry, given)
    top["bench"] = _spelled_out(registry, top.get("bench", RunConfig.bench))
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
    """The splits of a benchmark that run; one that measures finished models has nothing to choose from."""
    benchmark, _ = split_bench(registry, bench)
    usual = benchmark.default_splits or benchmark.splits[:1]
    if not config.split or issubclass(benchmark, ModelBenchmark):
        return usual
    for split in config.split:
        if split not in benchmark.splits:
            raise unknown(f"split of {bench}", split, benchmark.splits)
    return config.split


def training_protocols(config: RunConfig, registry: Registry) -> tuple[tuple[str, str], ...]:
    """(benchmark, split) whose protocols say how to train: benchmarks that measure finished models have none."""
    training = [
        b for b in config.bench if not issubclass(split_bench(registry, b)[0], ModelBenchmark)
    ]
    benches = training or config.bench
    return tuple(
        (bench, split) for bench in benches for split in chosen_splits(config, registry, bench)
    )


def engine_settings(config: RunConfig, registry: Registry) -> Any:
    """Make the engine's Config from the user's section."""
    return _instance(registry.engine(config.engine), config.sections.get(config.engine, {}))


def judge_settings(config: RunConfig, registry: Registry) -> Any:
    """Make the judge's Config from the user's section `judge_NAME`."""
    return _instance(registry.judge(config.judge), config.sections.get(judge_section(config), {}))


def judge_section(config: RunConfig) -> str:
    """Name the section of the run's judge."""
    return f"{JUDGE_SECTION}{config.judge}"


def finetune_settings(config: RunConfig, registry: Registry, bench: str, split: str) -> TrainConfig:
    """How the start models are trained: defaults < the benchmark's protocol < the user's [finetune]."""
    return _section(config, registry, bench, split, "finetune")


def method_settings(
    config: RunConfig, registry: Registry, spec: str, bench: str, split: str
) -> tuple[Any, TrainConfig]:
    """Make the method's Config and its training settings on a benchmark's split; `spec` as in --methods."""
    name, variant = split_spec(registry, spec)
    method = registry.method(name)
    protocol = _protocol(config, registry, bench, split)
    source = f"{registry.plugin_of(method)}: {method.__name__}.train_defaults"
    paper = {
        field: checked(registry, Given(name, field, value, source))
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
    return tuple(
        sorted(
            {
                *config.seeds,
                *(s for spec in config.methods for s in method_seeds(config, registry, spec)),
            }
        )
    )


def split_spec(registry: Registry, spec: str) -> tuple[str, dict[str, Any]]:
    """Split `npo:beta=0.5:lr=1e-4` into the method's name and its checked settings."""
    name, *items = spec.split(":")
    registry.method(name)
    variant: dict[str, Any] = {}
    for item in items:
        field, equals, value = item.partition("=")
        if not equals or field in variant:
            raise UserError(
                f"method {spec!r}: expected name:setting=value, each setting once, at {item!r}"
            )
        variant[field] = checked(registry, Given(name, field, value, f"method {spec!r}", text=True))
    return name, variant


def split_bench(registry: Registry, spec: str) -> tuple[type[Benchmark[Any]], dict[str, Any]]:
    """Split `lm_eval:arc_easy` into the benchmark and the setting that stands behind the colon."""
    name, colon, value = spec.partition(":")
    benchmark = registry.benchmark(name)
    if not colon:
        return benchmark, {}
    if benchmark.argument is None:
        raise UserError(
            f"benchmark {name!r} takes nothing behind a colon, but {spec!r} was asked for"
        )
    given = Given(name, benchmark.argument, value, f"benchmark {spec!r}", text=True)
    return benchmark, {benchmark.argument: checked(registry, given)}


def _spelled_out(registry: Registry, bench: Sequence[str]) -> tuple[str, ...]:
    """`lm_eval:a,b` asks for `lm_eval:a` and `lm_eval:b`, unless b is a benchmark."""
    names = {cls.name for cls in registry.benchmarks()}
    spelled: list[str] = []
    for spec in bench:
        before, colon, _ = spelled[-1].partition(":") if spelled else ("", "", "")
        spelled.append(
            f"{before}:{spec}" if colon and ":" not in spec and spec not in names else spec
        )
    return tuple(spelled)


def _methods_by_default(registry: Registry, bench: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """No method, where nothing is asked for but measurements of finished models: there is no data to train on."""
    only_models = bench and all(
        issubclass(split_bench(registry, spec)[0], ModelBenchmark) for spec in bench
    )
    return {"methods": ()} if only_models else {}


def agreed(settings: Sequence[Any]) -> dict[str, Any]:
    """Return the fields on which instances of one dataclass agree."""
    first, *others = map(asdict, settings)
    return {
        name: value
        for name, value in first.items()
        if all(other[name] == value for other in others)
    }


def _section(
    config: RunConfig, registry: Registry, bench: str, split: str, section: str
) -> TrainConfig:
    protocol = _protocol(config, registry, bench, split)
    default: TrainConfig = getattr(RunConfig(), section)
    return replace(default, **{**protocol.get(section, {}), **config.sections.get(section, {})})


def _protocol(
    config: RunConfig, registry: Registry, bench: str, split: str
) -> dict[str, dict[str, Any]]:
    """Ask the benchmark for the settings that its protocol prescribes for model and split, and check them."""
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
    """Whether a section belongs to a plugin that is not loaded; it may stay in a configuration file."""
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
