"""Packages and a device that a run asks for. What is missing is refused at the start."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from suite.config.instances import (
    asks_judge,
    engine_of,
)
from suite.core.errors import UserError
from suite.loggers import LOGGERS
from suite.registry import Registry
from suite.registry.plugin import DISTRIBUTION
from suite.settings import RunConfig


def check_environment(config: RunConfig, registry: Registry) -> None:
    """Refuse a device that is not there, and an engine, judge or logger that is not installed.

    Scoring stored answers needs none of them, so it does not ask.
    """
    from suite.model.hardware import check_device

    check_device(config.device)
    engine = engine_of(config)
    _check_extra(registry, f"--engine {engine}", registry.engine(engine))
    _check_executor(config, registry)
    if asks_judge(config, registry):
        _check_judge(config, registry)
    for name in config.log:
        if name in LOGGERS:
            _need(f"--log {name}", name, DISTRIBUTION)


def _check_executor(config: RunConfig, registry: Registry) -> None:
    name, _, argument = config.executor.partition(":")
    if name == RunConfig.executor and not argument:
        return
    if name == RunConfig.executor:
        raise UserError(f"--executor {config.executor}: {name} takes nothing after a colon")
    cls = registry.executor(name)
    _check_extra(registry, f"--executor {name}", cls)
    cls(argument)  # refuses what it cannot use


def _check_judge(config: RunConfig, registry: Registry) -> None:
    """A judge may ask a model of its own, through the engine that its settings name."""
    _check_extra(registry, f"--judge {config.judge}", registry.judge(config.judge))
    section = f"judge_{config.judge}"
    if name := config.sections.get(section, {}).get("engine"):
        _check_extra(registry, f"{section}.engine={name}", registry.engine(name))


def _check_extra(registry: Registry, option: str, cls: Any) -> None:
    if cls.extra:
        _need(option, cls.extra, registry.plugin_of(cls).distribution)


def _need(option: str, package: str, distribution: str) -> None:
    if find_spec(package) is None:
        raise UserError(
            f"{option}: the package {package} is not installed: "
            f"pip install '{distribution}[{package}]'"
        )
