"""Two start seeds: each has start models of its own, every method runs from each of them, and
forget quality is the median over the retrain models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from suite.api.cells import Cell
from tests.run.conftest import suite

START_SEEDS = ("--start-seeds", "0,1", "--seeds", "0,1", "--set", "evaluate=final")


@pytest.fixture(scope="module")
def folder(quick: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small run with two start seeds and two seeds."""
    folder = tmp_path_factory.mktemp("starts")
    command = ("run", "--methods", "ga,npo", *quick, *START_SEEDS, "--out", str(folder / "out"))
    done = suite(*command, store=folder / "store")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, Any]:
    """Its results.json."""
    read: dict[str, Any] = json.loads((folder / "out" / "results.json").read_text())
    return read


def metric(result: Mapping[str, Any], name: str) -> float:
    """The value of one metric of a cell."""
    found = [metric["value"] for metric in result["metrics"] if metric["name"] == name]
    return float(found[0])


def test_every_method_runs_from_every_start(results: dict[str, Any]) -> None:
    runs: dict[str, list[tuple[int, int]]] = {}
    for result in results["cells"]:
        assert result["status"] == "ok", result["error"]
        cell = result["cell"]
        runs.setdefault(cell["method"], []).append((cell["start_seed"], cell["seed"]))
    crossed = [(0, 0), (0, 1), (1, 0), (1, 1)]
    starts = [(0, 0), (1, 0)]
    assert runs == {"target": starts, "retrain": starts, "ga": crossed, "npo": crossed}
    assert results["run"]["start_seeds"] == [0, 1]


def test_start_models_differ_and_so_does_what_starts_from_them(results: dict[str, Any]) -> None:
    for method in ("target", "retrain", "npo"):
        values = {}
        for result in results["cells"]:
            if result["cell"]["method"] == method:
                values[result["cell"]["start_seed"]] = metric(result, "forget_answer_probability")
        assert values[0] != values[1], method


def test_forget_quality_is_the_median_over_the_retrain_models(
    results: dict[str, Any], folder: Path
) -> None:
    from scipy.stats import ks_2samp

    ratios = {}
    for result in results["cells"]:
        cell = result["cell"]
        path = folder / "out" / "samples" / f"{Cell(**cell).slug}.jsonl"
        samples = [json.loads(line) for line in path.read_text().splitlines()]
        own = [s["scores"]["log_truth_ratio"] for s in samples if s["set"] == "forget"]
        ratios[cell["method"], cell["start_seed"], cell["seed"]] = own
    for result in results["cells"]:
        cell = result["cell"]
        key = cell["method"], cell["start_seed"], cell["seed"]
        others = [ratios["retrain", start, 0] for start in (0, 1)]
        if cell["method"] == "retrain":
            # What perfect forgetting would reach: another retrain model, not itself.
            others.remove(ratios[key])
        distances = [ks_2samp(ratios[key], other).statistic for other in others]
        assert metric(result, "forget_quality_D") == pytest.approx(sum(distances) / len(distances))


def test_the_page_says_how_many_starts(folder: Path) -> None:
    page = (folder / "out" / "leaderboard.md").read_text()
    assert "2 starts × 2 seeds" in page
    assert "<b>Start seeds</b> 0, 1" in (folder / "out" / "leaderboard.html").read_text()


def test_the_same_base_folder_is_imported_once(quick: list[str], folder: Path) -> None:
    """A pretrained base has no seed of its own: only what is fine-tuned from it differs."""
    arguments = ("plan", "--methods", "npo", *quick, *START_SEEDS, "--json")
    done = suite(*arguments, store=folder / "store")
    assert done.returncode == 0, done.stderr
    kinds = [stage["kind"] for stage in json.loads(done.stdout)["stages"]]
    assert kinds.count("base") == 1
