"""What is installed: a `PluginInfo` for each entry point of the group `suite`, not yet imported."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Literal

from suite.core.errors import unknown

DISTRIBUTION = "suite-compare"
"""What the host is installed as."""
GROUP = "suite"
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass
class PluginInfo:
    """One plugin, as `suite plugins` shows it."""

    name: str
    """The entry point's name, with @DISTRIBUTION where a built-in has it; `--block` takes it."""
    distribution: str
    version: str
    module: str
    provides: tuple[str, ...] = ()
    """What it offers, e.g. ("method npo", "benchmark tofu")."""
    status: Literal["ok", "broken", "blocked", "refused"] = "ok"
    error: str = ""
    renamed: bool = False
    """Its entry point has a built-in's name, so it is called NAME@DISTRIBUTION. It is loaded though
    that name is refused."""

    def __str__(self) -> str:
        return f"plugin {self.name!r} ({self.distribution} {self.version})"

    @property
    def requirement(self) -> str:
        """`distribution==version`, as it is recorded in results."""
        return f"{self.distribution}=={self.version}"


def qualified(name: str, distribution: str) -> str:
    """What has a name that is taken is asked for with its distribution: `npo@acme`."""
    return f"{name}@{distribution}"


def discover(block: Collection[str] = ()) -> list[tuple[PluginInfo, EntryPoint]]:
    """List the installed plugins by name.

    Those that must not be imported are marked blocked or refused. UserError: nothing to block.
    """
    found: list[tuple[PluginInfo, EntryPoint]] = []
    rivals: dict[str, list[PluginInfo]] = defaultdict(list)
    points = sorted(entry_points(group=GROUP), key=_order)
    own = {point.name for point in points if _distribution(point) == DISTRIBUTION}
    for point in points:
        info = _describe(point, own)
        found.append((info, point))
        rivals[info.name].append(info)
    for name in block:
        if name not in rivals:
            raise unknown("plugin to block", name, rivals)
    for name, infos in rivals.items():
        _judge(name, infos, name in block)
    return found


def _order(point: EntryPoint) -> tuple[str, str]:
    return point.name, _distribution(point)


def _distribution(point: EntryPoint) -> str:
    name, _ = _identity(point.dist)
    return name


@cache
def _identity(distribution: Distribution | None) -> tuple[str, str]:
    """Name and version. importlib parses the whole metadata file at every look: once is enough."""
    if distribution is None:
        return "unknown", "unknown"
    return distribution.name, distribution.version


def _describe(point: EntryPoint, own: Collection[str]) -> PluginInfo:
    """One plugin; it has the name of a built-in one (`own`) with its distribution only."""
    distribution, version = _identity(point.dist)
    if point.name in own and distribution != DISTRIBUTION:
        name = qualified(point.name, distribution)
        return PluginInfo(name, distribution, version, point.module, renamed=True)
    return PluginInfo(point.name, distribution, version, point.module)


def _judge(name: str, infos: list[PluginInfo], blocked: bool) -> None:
    """Block, or refuse, the plugins that share one name (normally a single one)."""
    for info in infos:
        if blocked:
            info.status = "blocked"
        elif info.renamed:
            info.status = "refused"
            plain = name.partition("@")[0]
            info.error = f"entry point {plain!r} is built in; this plugin is called {name}"
        elif not NAME.fullmatch(name):
            info.status = "refused"
            info.error = f"the entry point's name {name!r} must be a-z, then a-z, 0-9 or _"
        elif len(infos) > 1:
            owners = " and ".join(f"{other.distribution} {other.version}" for other in infos)
            info.status = "refused"
            info.error = f"entry point {name!r} is declared by both {owners}; uninstall one"
