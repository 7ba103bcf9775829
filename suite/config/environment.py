"""Packages that a run asks for. What is missing is refused before anything is computed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from suite.errors import UserError
from suite.loggers import LOGGERS
from suite.registry import Registry
from suite.registry.registry import DISTRIBUTION
from suite.settings import RunConfig


def check_environment(config: RunConfig, registry: Registry) -> None:
    """Refuse an engine, a judge or a logger whose package is not installed."""
    _check_extra(registry, "engine", registry.engine(config.engine))
    _check_extra(registry, "judge", registry.judge(config.judge))
    for name in config.log:
        if name in LOGGERS:
            _need(f"--log {name}", name, DISTRIBUTION)


def _check_extra(registry: Registry, flag: str, cls: Any) -> None:
    if cls.extra:
        _need(f"--{flag} {cls.name}", cls.extra, registry.plugin_of(cls).distribution)


def _need(flag: str, package: str, distribution: str) -> None:
    if find_spec(package) is None:
        raise UserError(
            f"{flag}: the package {package} is not installed: "
            f"pip install '{distribution}[{package}]'"
        )
