"""The mark that pluggy finds a plugin's functions by."""

from __future__ import annotations

import pluggy

import suite
from suite import hookspecs
from suite.core.marker import hookimpl


def test_a_marked_function_implements_the_hook() -> None:
    class Plugin:
        @hookimpl
        def suite_methods(self) -> list[type]:
            return [dict]

    manager = pluggy.PluginManager("suite")
    manager.add_hookspecs(hookspecs)
    manager.register(Plugin())
    assert manager.hook.suite_methods() == [[dict]]
    assert suite.hookimpl is hookimpl
