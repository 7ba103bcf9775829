"""reports/ holds what a reader opens, and every page there follows from the results beside it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

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
