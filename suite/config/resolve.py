"""Merging the layers that the user gave into a RunConfig, and checking every value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, cast

from suite.config.attacks import check_attacks
from suite.config.check import STARTS, checked, convert, placed
from suite.config.families import with_families
from suite.config.finished import check_finished, with_folders
from suite.config.instances import (
    asks_judge,
    chosen_splits,
    engine_settings,
    judge_settings,
)
from suite.config.layers import TOP, Given, from_mapping, layers
from suite.config.places import beside, with_paths
from suite.config.specs import spelled_out, split_bench, split_spec
from suite.config.starts import check_starts, model_of_run
from suite.config.training import (
    agreed,
    finetune_settings,
    method_seeds,
    method_settings,
    train_section,
    training_protocols,
    unavailable,
)
from suite.core.errors import UserError, unknown
from suite.loggers import LOGGERS
from suite.registry import Registry
from suite.settings import RunConfig


def blocked(
    file: Path | None, flags: Mapping[str, Any], sets: Sequence[str], environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the plugins that must not be loaded: a setting needed before there is a registry."""
    asked = _last("block", file, flags, sets, environ)
    return cast("tuple[str, ...]", convert(TOP["block"], asked)) if asked else ()


def single_files(
    file: Path | None, flags: Mapping[str, Any], sets: Sequence[str], environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the plugins in single files: needed before there is a registry, too."""
    asked = _last("plugin_file", file, flags, sets, environ)
    if asked is None:
        return ()
    setting = TOP["plugin_file"]
    return tuple(placed(convert(setting, asked), asked.folder, setting))


def _last(
    name: str,
    file: Path | None,
    flags: Mapping[str, Any],
    sets: Sequence[str],
    environ: Mapping[str, str],
) -> Given | None:
    """What the strongest layer says of a setting of the run."""
    asked = [given for given in layers(file, environ, flags, sets) if given.name == name]
    return asked[-1] if asked else None


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
        if not unavailable(registry, given.section):
            target = sections.setdefault(given.section, {}) if given.section else top
            target[given.field] = _in_its_file(registry, given, checked(registry, given))
    top["bench"] = spelled_out(registry, top.get("bench", RunConfig.bench))
    no_methods = _methods_by_default(registry, top["bench"])
    config = RunConfig(**{**no_methods, **top}, start=sections.get(STARTS, {}), sections=sections)
    config = replace(config, methods=_with_families(config, registry))
    config = replace(config, methods=with_folders(config, registry))
    for field in ("bench", "seeds", "start_seeds", *(() if no_methods else ("methods",))):
        _check_given(field, getattr(config, field))
    _check_names_and_sections(config, registry)
    if "model" not in top:
        config = replace(config, model=model_of_run(config, registry))
    protocols = training_protocols(config, registry)
    trains = [train_section(config, registry, bench, split, "train") for bench, split in protocols]
    finetunes = [finetune_settings(config, registry, bench, split) for bench, split in protocols]
    return replace(
        config,
        train=replace(config.train, **agreed(trains)),
        finetune=replace(config.finetune, **agreed(finetunes)),
    )


def _in_its_file(registry: Registry, given: Given, value: Any) -> Any:
    """A value; paths in the specs of --methods are relative to the file that gives them."""
    if given.name != "methods" or given.folder is None:
        return value
    change = partial(beside, given.folder)
    return tuple(with_paths(registry, spec, change) for spec in value)


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
    for field in ("methods", "bench", "attack", "split", "seeds", "start_seeds"):
        _check_distinct(field, getattr(config, field))
    for name in config.log:
        if name not in {*LOGGERS, *(info.name for info in registry.plugins())}:
            raise unknown("logger", name, LOGGERS)
    if config.template != "chat" and "{prompt}" not in config.template:
        raise UserError(f"template is {config.template!r}, but should be 'chat' or hold {{prompt}}")
    _check_date(config.date)
    engine_settings(config, registry)
    if asks_judge(config, registry):
        judge_settings(config, registry)
    for bench in config.bench:
        for split in chosen_splits(config, registry, bench):
            for spec in config.methods:
                method_settings(config, registry, spec, bench, split)
    check_starts(config, registry)
    check_finished(config, registry)
    check_attacks(config, registry)
    for spec in config.methods:
        _check_distinct(f"seeds of {spec}", method_seeds(config, registry, spec))


def _check_date(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise UserError(f"date is {text!r}, but should be a day such as 2024-07-26") from None


def _methods_by_default(registry: Registry, bench: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Choose no method where all benchmarks measure finished models: there are no training data."""
    only_models = bench and all(
        split_bench(registry, spec)[0].trains == "nothing" for spec in bench
    )
    return {"methods": ()} if only_models else {}


def _check_given(field: str, values: Sequence[Any]) -> None:
    if not values:
        raise UserError(f"{field} is empty; name at least one")


def _check_distinct(field: str, values: Sequence[Any]) -> None:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise UserError(f"{field}: {value!r} is given twice")
        seen.add(value)
