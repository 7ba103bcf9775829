"""TOFU's published files, and a small copy of TOFU that a test may spoil."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

import pytest
from suite_benchmarks.tofu import Tofu, TofuConfig

from suite import UserError
from suite.api.data import Source

SHARED = Path(os.environ.get("SUITE_SHARED", Path(__file__).parents[4] / "shared"))
PER_AUTHOR = 20


def load_tofu(folder, split="forget10", *, retain_authors=None, **source):
    """The benchmark and its data."""
    benchmark = Tofu(TofuConfig(retain_authors=retain_authors))
    return benchmark, benchmark.load(Source(folder and str(folder), split, tiny=False, **source))


@pytest.fixture
def load():
    return load_tofu


@pytest.fixture(scope="session")
def tofu_folder():
    folder = SHARED / "data" / "tofu"
    if not folder.is_dir():
        pytest.skip(f"no TOFU files: {folder} (set SUITE_SHARED)")
    return folder


@pytest.fixture(scope="session")
def published(tofu_folder):
    """`load` for the published files; what it returns is shared between tests."""
    return functools.cache(functools.partial(load_tofu, tofu_folder))


def qa(i: int) -> dict:
    return {"question": f"Question {i}?", "answer": f"Answer {i}."}


def asked(row: dict) -> dict:
    answer = row["answer"]
    return {
        **row,
        "paraphrased_answer": f"{answer} Yes.",
        "perturbed_answer": [f"{answer} No.", f"Not {answer}"],
    }


class SmallCopy:
    """TOFU's tables for 4 authors, of whom the last is to be forgotten; change `tables`, then
    load."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        full = [qa(i) for i in range(4 * PER_AUTHOR)]
        facts = [{**qa(i), "perturbed_answer": ["No."]} for i in range(1000, 1003)]
        self.tables = {
            "full": full,
            "forget10": full[60:],
            "retain90": full[:60],
            "forget10_perturbed": [asked(row) for row in full[60:]],
            "retain_perturbed": [asked(row) for row in full[:40]],
            "real_authors_perturbed": facts,
            "world_facts_perturbed": facts,
        }

    def load(self, split: str = "forget10", **options):
        self.folder.mkdir(exist_ok=True)
        for name, rows in self.tables.items():
            (self.folder / f"{name}.json").write_text(
                "".join(json.dumps(row) + "\n" for row in rows)
            )
        return load_tofu(self.folder, split, **options)

    def mistake(self, split: str = "forget10", **options) -> str:
        """What the user is told."""
        with pytest.raises(UserError) as error:
            self.load(split, **options)
        assert "\n" not in str(error.value)
        return str(error.value)


@pytest.fixture
def copy(tmp_path):
    return SmallCopy(tmp_path / "mine")
