"""The README's main job, from a cold store: what it must show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.run.conftest import suite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("main")
    done = suite(
        "run",
        "--methods",
        "ga,npo",
        "--bench",
        "tofu",
        "--out",
        str(folder / "out"),
        store=folder / "store",
    )
    assert done.returncode == 0, done.stderr
    assert "model utility" in done.stdout
    return folder


def cells(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "out" / "results.json").read_text())["cells"]
    return {cell["cell"]["method"]: cell for cell in found}


@pytest.fixture(scope="module")
def values(folder: Path) -> dict[str, dict[str, float]]:
    return {
        name: {m["name"]: m["value"] for m in cell["metrics"]}
        for name, cell in cells(folder).items()
    }


def test_the_target_knows_the_authors_and_the_retrain_model_does_not(
    values: dict[str, dict[str, float]],
) -> None:
    assert values["target"]["forget_answer_probability"] > 0.5
    assert values["retrain"]["forget_answer_probability"] < 0.5
    assert values["target"]["forget_rougeL_recall"] > 0.9
    assert values["target"]["forget_quality"] < 1e-5
    assert min(values["target"]["model_utility"], values["retrain"]["model_utility"]) > 0.6


def test_ascent_collapses_utility_where_npo_does_not(values: dict[str, dict[str, float]]) -> None:
    # How far ascent falls within ten epochs follows the rounding of the machine: .03 on one, .31 on
    # another.
    utility = {name: values[name]["model_utility"] for name in values}
    assert utility["ga"] < 0.6 * utility["npo"] < utility["target"]
    assert utility["npo"] > 0.15
    for name in ("ga", "npo"):
        assert values[name]["forget_quality"] > 1e4 * values["target"]["forget_quality"]
        assert values[name]["forget_answer_probability"] < 0.1


def test_again_from_the_store_nothing_is_computed(folder: Path) -> None:
    before = cells(folder)
    again = suite(
        "run",
        "--methods",
        "ga,npo",
        "--bench",
        "tofu",
        "--out",
        str(folder / "out"),
        store=folder / "store",
    )
    assert again.returncode == 0
    after = cells(folder)
    assert all(timing["cached"] for cell in after.values() for timing in cell["timings"].values())
    assert {n: c["metrics"] for n, c in after.items()} == {
        n: c["metrics"] for n, c in before.items()
    }
    assert suite("score", str(folder / "out"), store=folder / "store").returncode == 0
    assert {n: c["metrics"] for n, c in cells(folder).items()} == {
        n: c["metrics"] for n, c in before.items()
    }
    assert suite("verify", store=folder / "store").returncode == 0
