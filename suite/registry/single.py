"""Plugins in single files, named on the command line: nothing is packaged or installed.

    suite run --plugin-file my_method.py --methods my_method --bench tofu

Such a plugin is called by its file: "my_method.py", and its version is the digest of its content.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from suite.core.errors import UserError
from suite.registry.plugin import NAME, PluginInfo
from suite.store import file_digest

PREFIX = "suite_file_"
"""Of the modules' names, so that no file takes the name of a package."""
SHOWN = 12
"""Digits of the digest in a version."""


@dataclass(frozen=True)
class PluginFile:
    """A file that stands for an entry point."""

    path: Path

    @property
    def module(self) -> str:
        """What its module is called."""
        return f"{PREFIX}{self.path.stem}"

    @property
    def info(self) -> PluginInfo:
        """The plugin, not yet imported. UserError: it is no file of Python."""
        path = self.path
        if path.suffix != ".py" or not NAME.fullmatch(path.stem):
            raise UserError(
                f"--plugin-file {path}: its name must be a-z, then a-z, 0-9 or _, then .py"
            )
        if not path.is_file():
            raise UserError(f"--plugin-file {path}: no such file")
        version = f"sha256:{file_digest(path)[:SHOWN]}"
        return PluginInfo(path.stem, path.name, version, self.module)

    def load(self) -> ModuleType:
        """Import it."""
        spec = importlib.util.spec_from_file_location(self.module, self.path.absolute())
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.module] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module


def plugin_files(paths: Sequence[str]) -> Iterator[tuple[PluginInfo, PluginFile]]:
    """Yield the plugins of the files. UserError: two have one name."""
    seen: dict[str, str] = {}
    for path in paths:
        file = PluginFile(Path(path).expanduser())
        info = file.info
        if info.name in seen:
            raise UserError(f"--plugin-file: {seen[info.name]} and {path} have one name")
        seen[info.name] = path
        yield info, file
