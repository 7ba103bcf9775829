"""A folder of own data that a test may spoil, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from suite_benchmarks.forget import Forget, ForgetConfig

from suite import BenchmarkData, UserError
from suite.api.data import Source

Rows = Sequence[Mapping[str, Any]]


class Letters:
    """A tokenizer of which every character is a token."""

    context = 60

    def ends(self, text: str) -> Sequence[int]:
        return range(1, len(text) + 1)


def write_table(folder: Path, name: str, rows: Rows) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / f"{name}.jsonl").write_text(text)


def load_folder(
    folder: Path, *, tiny: bool = False, **settings: Any
) -> tuple[Forget, BenchmarkData]:
    """The benchmark and what it reads; settings of the source and of the benchmark."""
    of_source = {"continues", "limit", "allow_overlap"}
    given = {name: value for name, value in settings.items() if name in of_source}
    own = {name: value for name, value in settings.items() if name not in of_source}
    benchmark = Forget(ForgetConfig(**own))
    source = Source(str(folder), "default", tiny=tiny, tokens=Letters(), **given)
    return benchmark, benchmark.load(source)


class Mine:
    """A folder with a question in each of forget and retain."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables: dict[str, Rows] = {
            "forget": [{"question": "Who?", "answer": "Ann."}],
            "retain": [{"question": "Where?", "answer": "Rome."}],
        }

    def load(self, **settings: Any) -> tuple[Forget, BenchmarkData]:
        for name, rows in self.tables.items():
            write_table(self.folder, name, rows)
        return load_folder(self.folder, **settings)

    def mistake(self, **settings: Any) -> str:
        """What the user is told."""
        with pytest.raises(UserError) as error:
            self.load(**settings)
        assert "\n" not in str(error.value)
        return str(error.value)


@pytest.fixture
def mine(tmp_path: Path) -> Mine:
    return Mine(tmp_path / "mine")
