"""Settings of an attack on a benchmark: defaults < the benchmark's protocol < the user's section
`attack_NAME` < what stands behind the name in --attack."""

from __future__ import annotations

from typing import Any

from suite.config.instances import instance
from suite.config.specs import split_attack
from suite.config.training import protocol_of, training_protocols
from suite.registry import Registry
from suite.registry.checks import ATTACK_SECTION
from suite.settings import RunConfig


def attack_settings(
    config: RunConfig, registry: Registry, spec: str, bench: str, split: str
) -> Any:
    """Make the attack's Config; `spec` as in --attack."""
    name, variant = split_attack(registry, spec)
    section = f"{ATTACK_SECTION}{name}"
    protocol = protocol_of(config, registry, bench, split).get(section, {})
    own = config.sections.get(section, {})
    return instance(registry.attack(name), {**protocol, **own, **variant})


def check_attacks(config: RunConfig, registry: Registry) -> None:
    """Refuse attacks that are not there, and settings that they cannot take."""
    for spec in config.attack:
        for bench, split in training_protocols(config, registry):
            attack_settings(config, registry, spec, bench, split)
