"""What a report says of a run as a whole: its precision, and where its files lay."""

from __future__ import annotations

from pathlib import Path

from suite.results.schema import read
from suite.stages.context import Context


def recorded_notes(out: Path) -> tuple[str, ...]:
    """The notes of the run whose folder this is; none where it left no results."""
    path = out / "results.json"
    return read(path).run.notes if path.exists() else ()


def precision_notes(context: Context) -> tuple[str, ...]:
    """What `--dtype auto` chose, and why; nothing of `tiny`, where there is no choice."""
    if context.config.model == "tiny" or not context.dtype_reason:
        return ()
    return (f"precision: {context.dtype}, because {context.dtype_reason}",)


def engine_notes(context: Context) -> tuple[str, ...]:
    """What `--engine auto` chose, and why; nothing of `tiny`, where there is no choice."""
    if context.config.model == "tiny" or not context.engine_reason:
        return ()
    return (f"engine: {context.engine_name}, because {context.engine_reason}",)


def path_notes(context: Context) -> tuple[str, ...]:
    """What the command in the report does not say: where its files lay."""
    from suite.config import elsewhere

    names = elsewhere(context.config, context.registry)
    if not names:
        return ()
    said = "the command names files by their last part that lay outside its folder: "
    return (f"{said}{', '.join(names)}; the run's config.toml has the whole paths",)
