"""The classes that plugins offer, by kind and name. A name offered twice goes to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from suite.registry.plugin import PluginInfo, qualified

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
        return [cls for cls in self._unrivalled(kind) if "@" not in cls.name]

    def renamed(self, kind: str) -> list[Any]:
        """Those whose name is offered twice, each as NAME@DISTRIBUTION."""
        return [cls for cls in self._unrivalled(kind) if "@" in cls.name]

    def _unrivalled(self, kind: str) -> Iterator[Any]:
        for offered, name in sorted(self._offers):
            cls = self.get(kind, name) if offered == kind else None
            if cls is not None:
                yield cls

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
            for cls, info in others:
                info.status = "refused"
                info.error = f"the {kind} name {name!r} is built in{self._rename(kind, cls, info)}"

    def refuse_duplicates(self) -> None:
        """Mark the plugins that offer a name which another one offers too."""
        for kind, name, rivals in list(self._contested()):
            for cls, info in self._offers[kind, name]:
                self._rename(kind, cls, info)
                info.status, info.error = "refused", duplicate(name, rivals)

    def _rename(self, kind: str, cls: Any, info: PluginInfo) -> str:
        """Offer a class whose name is taken as NAME@DISTRIBUTION; return the hint."""
        plain: str = cls.name
        info.provides = tuple(item for item in info.provides if item != f"{kind} {plain}")
        if not isinstance(cls, type):  # a kind of stage is asked for by nobody
            return "; this plugin needs another name"
        name = qualified(plain, info.distribution)
        own = {"name": name, "__module__": cls.__module__, "__doc__": cls.__doc__}
        self.add(kind, type(cls.__name__, (cls,), own), info)
        return f"; ask for {name}"

    def _contested(self) -> Iterator[tuple[str, str, list[PluginInfo]]]:
        for kind, name in sorted(self._offers):
            rivals = self.rivals(kind, name)
            if len(rivals) > 1:
                yield kind, name, rivals


def duplicate(name: str, rivals: list[PluginInfo]) -> str:
    """Say who offers the same name."""
    return (
        f"the name {name!r} is declared by both {' and '.join(map(str, rivals))}; block one of "
        f"them, or ask for {qualified(name, rivals[0].distribution)}"
    )
