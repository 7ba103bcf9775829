"""What was raised, in one line, and whose code raised it."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path

from suite.registry.plugin import DISTRIBUTION, PluginInfo


def explain(error: BaseException) -> str:
    """Say in one line what was raised, and at which line of the plugin's code."""
    host = str(Path(__file__).parent)
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith((host, "<")):  # "<": code without a file
            where = f" ({frame.filename}:{frame.lineno})"  # the last one counts
    return " ".join(f"{type(error).__name__}: {error}{where}".split())


def raised_by(error: BaseException, plugins: Iterable[PluginInfo]) -> str:
    """Name the plugin, and its function that the host called: "plugin ...: loss raised ".

    "" where no plugin of another distribution had a part in it.
    """
    others = [info for info in plugins if info.distribution != DISTRIBUTION]
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        for info in others:
            if module == info.module or module.startswith(f"{info.module}."):
                return f"{info}: {frame.f_code.co_name} raised "
    return ""
