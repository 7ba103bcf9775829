"""A resolved configuration as TOML, and all settings as a JSON schema."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from suite.api.finished import FinishedModel
from suite.api.method import Method
from suite.config.attacks import attack_settings
from suite.config.check import AT_LEAST, OWN, STARTS, TRAIN, adapter, start_settings
from suite.config.fields import Setting, settings_of
from suite.config.instances import (
    benchmark_settings,
    engine_of,
    engine_settings,
    judge_section,
    judge_settings,
    only_experiments,
)
from suite.config.layers import TOP
from suite.config.places import whole, with_paths
from suite.config.specs import split_attack, split_bench, split_spec
from suite.config.training import (
    agreed,
    finetune_settings,
    method_settings,
    training_protocols,
)
from suite.registry import Registry
from suite.registry.checks import ATTACK_SECTION
from suite.settings import RunConfig

JsonSchema = dict[str, Any]


def to_toml(config: RunConfig, registry: Registry) -> str:
    """Write the configuration with everything that was decided, so that reading it repeats the run.

    A setting on which the benchmarks' protocols differ is left to them, as it was.
    """
    import tomli_w

    protocols = training_protocols(config, registry)
    content: dict[str, Any] = _said({name: getattr(config, name) for name in TOP}, TOP)
    content["methods"] = [with_paths(registry, spec, whole) for spec in config.methods]
    if config.out == TOP["out"].default:
        # Repeating the run makes a new folder beside the others, wherever it is repeated.
        del content["out"]
    if config.start:
        content[STARTS] = _said(config.start, start_settings(registry))
    content["finetune"] = agreed(
        [finetune_settings(config, registry, *protocol) for protocol in protocols]
    )
    content["train"] = config.sections.get("train", {})
    for name in dict.fromkeys(split_spec(registry, spec)[0] for spec in config.methods):
        if issubclass(registry.method(name), FinishedModel):
            continue  # all that is set stands in --methods
        found = [method_settings(config, registry, name, *protocol) for protocol in protocols]
        own = agreed([settings for settings, _ in found])
        content[name] = _said(own, settings_of(registry.method(name).Config))
        if not only_experiments(config, registry):
            content[name] |= agreed([training for _, training in found])
        if "seeds" in config.sections.get(name, {}):
            content[name]["seeds"] = config.sections[name]["seeds"]
    content |= _attack_sections(config, registry)
    content |= _benchmark_sections(config, registry)
    chosen = {engine_of(config): engine_settings(config, registry)}
    if any(split_bench(registry, bench)[0].judged for bench in config.bench):
        chosen[judge_section(config)] = judge_settings(config, registry)
    for section, own in chosen.items():
        if said := _said(asdict(own), settings_of(type(own))):
            content[section] = said
    return _escaped(tomli_w.dumps(content))


def _escaped(toml: str) -> str:
    """The same with escapes for characters that would steer a terminal: they stand in strings."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\U{ord(c):08x}" for c in toml)


def _attack_sections(config: RunConfig, registry: Registry) -> dict[str, Any]:
    """The settings of each attack, as far as the benchmarks' protocols agree on them."""
    sections = {}
    for name in dict.fromkeys(split_attack(registry, spec)[0] for spec in config.attack):
        found = []
        for bench, split in training_protocols(config, registry):
            found.append(attack_settings(config, registry, name, bench, split))
        settings = settings_of(registry.attack(name).Config)
        sections[f"{ATTACK_SECTION}{name}"] = _said(agreed(found), settings)
    return sections


def _benchmark_sections(config: RunConfig, registry: Registry) -> dict[str, Any]:
    """The settings of each benchmark, as far as its several mentions agree."""
    mentions: dict[str, list[Any]] = {}
    for bench in config.bench:
        settings = benchmark_settings(config, registry, bench)
        mentions.setdefault(split_bench(registry, bench)[0].name, []).append(settings)
    sections = {}
    for name, found in mentions.items():
        sections[name] = _said(agreed(found), settings_of(registry.benchmark(name).Config))
    return sections


def json_schema(registry: Registry) -> JsonSchema:
    """Describe the configuration file as a JSON schema, with a section for each plugin."""
    schema = _table(TOP, "Settings of a run; `suite config show` prints them resolved.", host=True)
    sections = schema["properties"]
    sections["finetune"] = _table(
        TRAIN, "How the start models are trained from the base model.", host=True
    )
    sections["train"] = _table(TRAIN, "How methods train.", host=True)
    starts = start_settings(registry)
    sections[STARTS] = _table(starts, "Start models that are there already.", host=False)
    for section, cls in registry.configured().items():
        doc = (cls.__doc__ or cls.name).strip().splitlines()[0]
        sections[section] = _table(settings_of(cls.Config), doc, host=False)
    own = _table(OWN, "", host=True)
    for section, cls in registry.configured().items():
        if issubclass(cls, Method):
            sections[section]["properties"] |= own["properties"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "suite", **schema}


def _table(settings: dict[str, Setting], doc: str, *, host: bool) -> JsonSchema:
    properties = {}
    for name, setting in settings.items():
        schema = adapter(setting.type, AT_LEAST.get(name) if host else None).json_schema()
        properties[name] = {**schema, "description": setting.doc}
        if setting.default is not None:
            properties[name]["default"] = setting.default
    return {
        "type": "object",
        "description": doc,
        "properties": properties,
        "additionalProperties": False,
    }


def _said(values: dict[str, Any], settings: dict[str, Setting]) -> dict[str, Any]:
    """Make values TOML, which has no null: None is left out where it is the default, else "none".

    Paths are written out, since the file may be read from anywhere.
    """
    return {
        name: "none" if value is None else whole(value, settings[name])
        for name, value in values.items()
        if value is not None or settings[name].default is not None
    }
