"""reports/ holds what a reader opens, and every page there follows from the results beside it."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.published.chosen import chosen
from tests.published.page import Page
from tests.published.sentences import PAGES, section

ROOT = Path(__file__).parent.parent
RUNS = sorted(path.parent for path in (ROOT / "reports").glob("*/results.json"))
LIMIT = 5 * 2**20


def test_the_published_runs_take_at_most_5_mib() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "reports"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode != 0 or not listed.stdout:
        pytest.skip("not a git checkout")
    sizes = [(ROOT / name).stat().st_size for name in listed.stdout.splitlines()]
    assert sum(sizes) <= LIMIT


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_page_names_every_method_of_its_results(run: Path) -> None:
    results = json.loads((run / "results.json").read_text())
    page = (run / "leaderboard.md").read_text()
    for name in {cell["cell"]["method"] for cell in results["cells"]}:
        assert name in page


def test_every_sentence_of_the_readme_follows_from_the_results() -> None:
    """`python -m tests.published.sentences` prints the section."""
    readme = (ROOT / "reports" / "README.md").read_text()
    heading = "## What they show"
    assert heading + readme.partition(heading)[2] == section()


def test_every_page_is_spoken_of() -> None:
    readme = (ROOT / "reports" / "README.md").read_text()
    assert {run.name for run in RUNS} == {*PAGES}
    for run in RUNS:
        assert f"[{run.name}]({run.name}/leaderboard.md)" in readme


def test_settings_of_tofu_were_chosen_by_rule_on_other_authors() -> None:
    settings = tomllib.loads((ROOT / "configs" / "tofu.toml").read_text())
    candidates = Page.read("tofu_validation")
    assert "authors 1" in candidates.results.comparisons[0].revision
    starts = {result.cell.start_seed for result in candidates.results.cells}
    assert not starts & {*settings["start_seeds"]}
    for method, best in chosen(candidates).items():
        for name, value in best.items():
            assert settings[method][name] == float(value), f"{method}.{name}"
