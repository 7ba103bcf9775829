"""What mkdocs calls: adds the generated pages, the pictures and the published leaderboards."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # mkdocs loads this file alone

from docgen import pages, reports  # noqa: E402
from suite.registry import Registry  # noqa: E402


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the page of every method and benchmark in the navigation."""
    registry = Registry.load()
    named = {
        "Methods": [cls.name for cls in registry.methods()],
        "Benchmarks": [cls.name for cls in registry.benchmarks()],
    }
    for title, names in named.items():
        _listed(config.nav, title).extend(
            {name: f"reference/{title.lower()}/{name}.md"} for name in names
        )
    return config


def _listed(nav: Any, title: str) -> list[Any]:
    """The list of pages below a title, wherever it stands in the navigation."""
    for entry in nav:
        for name, below in entry.items() if isinstance(entry, dict) else ():
            if isinstance(below, list):
                found = below if name == title else _listed(below, title)
                if found:
                    return found
    return []


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated."""
    for path, text in pages.pages().items():
        files.append(File.generated(config, path, content=text))
    for kind, picture in reports.pictures():
        files.append(File.generated(config, f"pictures/{kind}.svg", content=picture))
    for name, page in reports.leaderboards().items():
        path = f"reports/{name}/leaderboard.html"
        files.append(File.generated(config, path, abs_src_path=str(page)))
    return files
