"""The classes that plugins offer, by kind and name; a name that two plugins offer is given to neither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from suite.registry.plugin import PluginInfo

CONFIGURED = ("method", "benchmark", "engine")
"""Kinds whose classes have settings: they share the sections of a configuration file, so their names must differ."""


@dataclass
class Offers:
    """What plugins offer: kind ("method", "benchmark", ...) and name -> classes with their plugins."""

    _offers: dict[tuple[str, str], list[tuple[Any, PluginInfo]]] = field(default_factory=dict)

    def add(self, kind: str, cls: Any, info: PluginInfo) -> None:
        """Take an offer in."""
        self._offers.setdefault((kind, cls.name), []).append((cls, info))
        info.provides += (f"{kind} {cls.name}",)

    def get(self, kind: str, name: str) -> Any:
        """Return the one class of that name, or None."""
        offers = self._offers.get((kind, name), ())
        return offers[0][0] if offers and len(self.rivals(kind, name)) == 1 else None

    def all(self, kind: str) -> list[Any]:
        """All classes of a kind that can be had, by name."""
        names = sorted(name for offered, name in self._offers if offered == kind)
        return [cls for name in names if (cls := self.get(kind, name))]

    def owner(self, cls: object) -> PluginInfo | None:
        """Return the plugin that offers `cls`."""
        pairs = (pair for offers in self._offers.values() for pair in offers)
        return next((info for offered, info in pairs if offered is cls), None)

    def rivals(self, kind: str, name: str) -> list[PluginInfo]:
        """Plugins that offer the name, to a class of the same kind or to another with settings."""
        kinds = CONFIGURED if kind in CONFIGURED else (kind,)
        return [info for other in kinds for _, info in self._offers.get((other, name), ())]

    def drop(self, info: PluginInfo) -> None:
        """Forget everything that a plugin offers."""
        for key, offers in self._offers.items():
            self._offers[key] = [offer for offer in offers if offer[1] is not info]
        info.provides = ()

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
