"""The classes that plugins offer, by kind and name. A name offered twice goes to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from suite.registry.plugin import PluginInfo

CONFIGURED = ("method", "benchmark", "engine")
"""Kinds whose classes share the sections of a configuration file, so their names must differ.

A judge has settings too, but its section is `judge_NAME`.
"""


@dataclass
class Offers:
    """What plugins offer: kind ("method", "engine", ...) and name -> classes with their plugins."""

    _offers: dict[tuple[str, str], list[tuple[Any, PluginInfo]]] = field(default_factory=dict)

    def add(self, kind: str, cls: Any, info: PluginInfo) -> None:
        """Take an offer in."""
        self._offers.setdefault((kind, cls.name), []).append((cls, info))
        info.provides += (f"{kind} {cls.name}",)

    def get(self, kind: str, name: str) -> Any:
        """Return the one class of that name; None if there is none, or more than one."""
        offers = self._offers.get((kind, name), ())
        if not offers or len(self.rivals(kind, name)) > 1:
            return None
        cls, _ = offers[0]
        return cls

    def all(self, kind: str) -> list[Any]:
        """All classes of a kind, by name; none of those whose name is offered twice."""
        found: list[Any] = []
        for offered, name in sorted(self._offers):
            cls = self.get(kind, name) if offered == kind else None
            if cls is not None:
                found.append(cls)
        return found

    def owner(self, cls: object) -> PluginInfo | None:
        """Return the plugin that offers `cls`."""
        for offers in self._offers.values():
            for offered, info in offers:
                if offered is cls:
                    return info
        return None

    def rivals(self, kind: str, name: str) -> list[PluginInfo]:
        """Plugins that offer the name, for this kind or for one that shares its sections."""
        found: list[PluginInfo] = []
        for other in CONFIGURED if kind in CONFIGURED else (kind,):
            found += [info for _, info in self._offers.get((other, name), ())]
        return found

    def drop(self, info: PluginInfo) -> None:
        """Forget everything that a plugin offers."""
        for key, offers in self._offers.items():
            self._offers[key] = [offer for offer in offers if offer[1] is not info]
        info.provides = ()

    def keep_own(self, distribution: str) -> None:
        """Where the host offers a name, refuse the others that offer it: the host's stays."""
        for kind, name, rivals in list(self._contested()):
            if not any(info.distribution == distribution for info in rivals):
                continue
            kept: list[tuple[Any, PluginInfo]] = []
            others: list[tuple[Any, PluginInfo]] = []
            for offer in self._offers[kind, name]:
                (kept if offer[1].distribution == distribution else others).append(offer)
            self._offers[kind, name] = kept
            for _, info in others:
                info.status = "refused"
                info.error = f"the {kind} name {name!r} is built in; this plugin needs another name"
                info.provides = tuple(item for item in info.provides if item != f"{kind} {name}")

    def refuse_duplicates(self) -> None:
        """Mark the plugins that offer a name which another one offers too."""
        for kind, name, rivals in self._contested():
            for info in rivals:
                info.status, info.error = "refused", duplicate(name, rivals)
                info.provides = tuple(item for item in info.provides if item != f"{kind} {name}")

    def _contested(self) -> Iterator[tuple[str, str, list[PluginInfo]]]:
        for kind, name in sorted(self._offers):
            rivals = self.rivals(kind, name)
            if len(rivals) > 1:
                yield kind, name, rivals


def duplicate(name: str, rivals: list[PluginInfo]) -> str:
    """Say who offers the same name."""
    return (
        f"the name {name!r} is declared by both {' and '.join(map(str, rivals))}; block one of them"
    )
