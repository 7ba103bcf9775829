"""The plugins of this environment: discovered, isolated, checked, and asked for by name.

    registry = Registry.load(block=("npo",))
    registry.method("ga")            the class; an unknown name raises with the nearest known one
    registry.plugins()               all of them, the broken ones included

Anything wrong with a plugin stays with that plugin: `suite plugins` shows it, and a command fails
only if it asks for that plugin's name. pluggy's own loader and multicall let one plugin's error
stop all, so neither is used.
"""

from __future__ import annotations

from suite.registry.plugin import PluginInfo
from suite.registry.registry import PluginWarning, Registry

__all__ = ["PluginInfo", "PluginWarning", "Registry"]
