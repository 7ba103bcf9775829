"""The command that makes a run again: every setting of every layer, written as flags.

    suite run --methods npo,npo:beta=0.5 --bench tofu --seeds 0,1 --set train.lr=5e-05

It stands in reports, so it does not name the folders of the machine it ran on.
"""

from __future__ import annotations

import shlex
from typing import Any

from suite.config.layers import TOP
from suite.config.places import without_folders
from suite.registry import Registry
from suite.settings import RunConfig

ALWAYS = ("methods", "bench")
NEVER = ("out", "store", "log", "checkpoint_seconds", "executor")
"""They change no result."""
FROM_FILE = "suite run --config config.toml"
"""For what a command line cannot say; the run writes this file beside its report."""


def rebuild_command(config: RunConfig, registry: Registry) -> str:
    """Write the command that gives these settings again."""
    config = without_folders(config, registry)
    words = ["suite", "run"]
    for name in TOP:
        value = getattr(config, name)
        if name in NEVER or value == () or (name not in ALWAYS and value == TOP[name].default):
            continue
        if not _can_be_said(value):
            return FROM_FILE
        # A flag that names files is repeated: their names may hold commas.
        repeated = TOP[name].place is not None and isinstance(value, tuple)
        for each in value if repeated else (value,):
            words += _flag(name, each)
    for name, models in config.start.items():
        for model in models:
            words += ["--start", f"{name}={model}"]
    for section, values in config.sections.items():
        for field, value in values.items() if section != "start" else ():
            # `--set` drops spaces at both ends, which a flag keeps.
            if not _can_be_said(value) or (isinstance(value, str) and value != value.strip()):
                return FROM_FILE
            words += ["--set", f"{section}.{field}={_text(value)}"]
    return " ".join(map(_quoted, words))


def _flag(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", _text(value)]


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ",".join(map(_text, value))
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _can_be_said(value: Any) -> bool:
    """Whether a list can be written with commas between its items."""
    if not isinstance(value, tuple | list):
        return not isinstance(value, dict)
    items = [_text(item) for item in value]
    return bool(items) and all(item == item.strip() != "" and "," not in item for item in items)


def _quoted(word: str) -> str:
    """Quote a word for the shell, on one line: a line break is written as \\n within $'...'."""
    if word.isprintable():
        return shlex.quote(word)
    escaped = word.encode("unicode_escape").decode().replace("'", "\\'")
    return f"$'{escaped}'"
