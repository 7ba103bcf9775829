"""All generated pages."""

from __future__ import annotations

from docgen import benchmarks, commands, hooks, matrix, methods, reports, settings
from suite.registry import Registry


def pages() -> dict[str, str]:
    """Path within docs/ -> Markdown."""
    registry = Registry.load()
    return {
        **hooks.page(),
        **commands.page(),
        **settings.page(registry),
        **methods.pages(registry),
        **benchmarks.pages(registry),
        **matrix.page(registry),
        **reports.index(),
    }
