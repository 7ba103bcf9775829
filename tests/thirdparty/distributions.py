"""Distributions for tests: a folder with .dist-info and modules, as pip leaves them, put on
sys.path."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

_numbers = itertools.count()


def method(name: str) -> str:
    """Source of a plugin with one method."""
    return METHOD.replace("NAME", name)


def engine(name: str) -> str:
    """Source of a plugin with one engine."""
    return ENGINE.replace("NAME", name)


def benchmark(name: str, protocol: Mapping[str, Mapping[str, object]] | None = None) -> str:
    """Source of a plugin with one benchmark, whose protocol prescribes these settings."""
    return BENCHMARK.replace("NAME", name).replace("PROTOCOL", repr(dict(protocol or {})))


METHOD = """
    from dataclasses import dataclass
    from typing import Annotated
    from annotated_types import Ge, Len
    from suite import LossOutput, Method, hookimpl

    @dataclass(frozen=True)
    class Settings:
        strength: float = 1.0
        \"\"\"How strongly, in nats.\"\"\"
        words: Annotated[tuple[str, ...], Len(1)] = ("a",)
        \"\"\"Words.\"\"\"
        cap: Annotated[float | None, Ge(0)] = 2.0
        \"\"\"At most, or none.\"\"\"

    class Mine(Method[Settings]):
        \"\"\"A method of a test.\"\"\"
        name = "NAME"
        family = "unlearning"
        roles = frozenset({"forget"})
        train_defaults = {"lr": 3e-4, "batch_size": 8, "weight_decay": 0.5}
        Config = Settings

        def loss(self, policy, batch):
            raise NotImplementedError

    @hookimpl
    def suite_methods():
        return [Mine]
"""

ENGINE = """
    from dataclasses import dataclass
    from suite import hookimpl
    from suite import Engine

    @dataclass(frozen=True)
    class Settings:
        base_url: str = "none"
        \"\"\"Where it answers.\"\"\"
        concurrency: int = 4
        \"\"\"Requests at a time.\"\"\"

        def __post_init__(self):
            if not self.base_url.startswith(("http", "none")):
                raise ValueError("base_url must be a web address")

    class Mine(Engine):
        \"\"\"An engine of a test.\"\"\"
        name = "NAME"
        Config = Settings

        def load(self, folder):
            raise NotImplementedError

        def stream(self, requests):
            raise NotImplementedError

        def identity(self):
            return {"engine": self.name}

    @hookimpl
    def suite_engines():
        return [Mine]
"""

BENCHMARK = """
    from dataclasses import dataclass
    from suite import Scores, TextBenchmark, hookimpl

    @dataclass(frozen=True)
    class Settings:
        size: int = 4
        \"\"\"How many.\"\"\"

        def __post_init__(self):
            if self.size % 2:
                raise ValueError("size must be even")

    class Mine(TextBenchmark[Settings]):
        \"\"\"A benchmark of a test.\"\"\"
        name = "NAME"
        provides = frozenset({"forget", "retain"})
        primary = ("score",)
        Config = Settings

        def load(self, source):
            raise NotImplementedError

        def requests(self, data):
            return []

        def score(self, data, responses, baseline):
            return Scores([], [])

        def defaults(self, model, split):
            return PROTOCOL

    @hookimpl
    def suite_benchmarks():
        return [Mine]
"""


class Site:
    """A folder on sys.path into which tests install distributions."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch

    def add(self, distribution: str, plugins: Mapping[str, str], version: str = "1.0") -> list[str]:
        """Install plugins (entry-point name -> source of its module); return the modules' names."""
        modules = [f"plugin_of_a_test_{next(_numbers)}" for _ in plugins]
        for module, source in zip(modules, plugins.values(), strict=True):
            (self.folder / f"{module}.py").write_text(textwrap.dedent(source))
        self.add_points(distribution, zip(plugins, modules, strict=True), version)
        return modules

    def add_points(
        self, distribution: str, points: Iterable[tuple[str, str]], version: str = "1.0"
    ) -> None:
        """Write the metadata of a distribution with these (name, module) entry points."""
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        lines = [f"{name} = {module}" for name, module in points]
        (info / "entry_points.txt").write_text("\n".join(["[suite]", *lines, ""]))
        self._monkeypatch.syspath_prepend(self.folder)
