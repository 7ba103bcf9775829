"""Packages of other people, built and installed by pip as their users would, beside the suite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
OFFLINE = ["--no-deps", "--no-build-isolation", "--no-index"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the sound and the broken package."""
    folder = tmp_path_factory.mktemp("site")
    sources = tmp_path_factory.mktemp("sources")
    for name in ("good", "broken"):  # building leaves files behind: build a copy
        source = shutil.copytree(
            HERE / name, sources / name, ignore=shutil.ignore_patterns("__pycache__")
        )
        subprocess.run([*PIP, *OFFLINE, "--target", str(folder), str(source)], check=True)
    return folder


def suite(site: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    env = {**os.environ, "PYTHONPATH": path, **environ}
    return subprocess.run(
        [sys.executable, "-m", "suite.cli", *arguments], capture_output=True, text=True, env=env
    )


def listed(site: Path, *arguments: str) -> Any:
    done = suite(site, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_method_and_benchmark_are_listed_with_their_origin(site: Path) -> None:
    found = listed(site, "list")
    (method,) = (row for row in found["methods"] if row["name"] == "capped_ga")
    assert method == {
        "name": "capped_ga",
        "family": "unlearning",
        "roles": ["forget"],
        "what": "Gradient ascent on the answers that are still likely.",
        "from": "acme-forgetting 2.5",
    }
    (benchmark,) = (row for row in found["benchmarks"] if row["name"] == "capitals")
    assert (benchmark["from"], benchmark["offers"]) == ("acme-forgetting 2.5", ["forget", "retain"])
    assert {"ga", "npo"} <= {row["name"] for row in found["methods"]}


def test_the_broken_package_is_shown_and_harms_nothing(site: Path) -> None:
    rows = {row["name"]: row for row in listed(site, "plugins")}
    wreck = rows["wreck"]
    assert (wreck["status"], wreck["distribution"], wreck["version"]) == (
        "broken",
        "broken-forgetting",
        "0.3",
    )
    assert "this plugin needs a library that is not installed" in wreck["error"]
    assert [rows[name]["status"] for name in ("capped_ga", "capitals", "acme_tools", "npo")] == [
        "ok"
    ] * 4
    doctor = suite(site, "doctor")
    assert doctor.returncode == 1
    assert "problem: plugin 'wreck' (broken-forgetting 0.3) is broken" in doctor.stdout


def test_the_broken_package_fails_only_who_asks_for_it(site: Path) -> None:
    show = ("config", "show", "--bench", "capitals", "--methods")
    assert suite(site, *show, "capped_ga").returncode == 0
    asked = suite(site, *show, "wreck")
    assert asked.returncode == 2
    assert asked.stderr.startswith(
        "suite: error: method 'wreck' is not available: plugin 'wreck' (broken-forgetting 0.3)"
    )
    assert asked.stderr.count("\n") == 1


def test_a_package_can_be_blocked(site: Path) -> None:
    names = {row["name"] for row in listed(site, "list", "--block", "capped_ga")["methods"]}
    assert "capped_ga" not in names
    assert "npo" in names
    refused = suite(
        site, "plan", "--methods", "capped_ga", "--bench", "capitals", SUITE_BLOCK="capped_ga"
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "plugin 'capped_ga' (acme-forgetting 2.5) is blocked" in refused.stderr
    assert "blocked" in {row["status"] for row in listed(site, "plugins", "--block", "wreck")}


def test_its_settings_are_settings_like_any_others(site: Path) -> None:
    (cap,) = listed(site, "list", "capped_ga")["settings"]
    assert (cap["setting"], cap["default"]) == ("capped_ga.cap", "4.0")
    show = suite(
        site,
        "config",
        "show",
        "--methods",
        "capped_ga:cap=2",
        "--bench",
        "capitals",
        "--set",
        "capitals.forget=3",
    )
    assert "cap = 4.0" in show.stdout
    assert "forget = 3" in show.stdout
    wrong = suite(site, "plan", "--methods", "capped_ga:cup=2", "--bench", "capitals")
    assert "unknown setting 'capped_ga.cup'; did you mean 'capped_ga.cap'?" in wrong.stderr


def test_its_command_is_a_command_like_any_other(site: Path) -> None:
    assert suite(site, "capitals").stdout.startswith("Arveth, Belloria")
    assert "Print the countries of the benchmark." in suite(site, "--help").stdout
    assert suite(site, "capitols").stderr.startswith(
        "suite: error: No such command 'capitols'. Did you mean 'capitals'"
    )


def test_a_whole_run_of_its_method_on_its_benchmark(
    site: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    flags = (
        "--methods",
        "capped_ga,ga",
        "--bench",
        "capitals",
        "--model",
        str(tiny_folder),
        "--dtype",
        "float32",
    )
    out = tmp_path / "out"
    done = suite(
        site,
        "run",
        *flags,
        "--out",
        str(out),
        SUITE_STORE=str(tmp_path / "store"),
        OMP_NUM_THREADS="1",
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((out / "results.json").read_text())
    cells = {cell["cell"]["method"]: cell for cell in results["cells"]}
    assert {name: cell["status"] for name, cell in cells.items()} == dict.fromkeys(
        ("target", "retrain", "capped_ga", "ga"), "ok"
    )
    value = {name: cell["metrics"][0]["value"] for name, cell in cells.items()}
    assert value["target"] > 0.9
    assert value["ga"] < value["target"]
    assert results["run"]["plugins"]["acme-forgetting"] == "2.5"
    leaderboard = (out / "leaderboard.md").read_text()
    assert "capped_ga" in leaderboard
    check_its_picture_and_columns(out, leaderboard)


def check_its_picture_and_columns(run: Path, leaderboard: str) -> None:
    """What the benchmark declares is drawn, and drawn again where the package is not installed."""
    assert "| surprise |" in leaderboard
    assert "surprise 0." in leaderboard  # below forget_probability
    assert "Surprise: minus the mean log-probability" in leaderboard
    page = (run / "leaderboard.html").read_text()
    assert "<figcaption>Surprise: how unlikely the capitals are, on both sets." in page
    assert 'title="of the retained capitals, nats per token"' in page
    again = suite(run / "no-packages", "report", str(run), "--out", str(run / "again"))
    assert (again.returncode, again.stderr) == (0, "")
    assert (run / "again" / "leaderboard.html").read_text() == page


def test_nothing_heavy_is_imported_for_it(site: Path) -> None:
    code = (
        "import sys; from suite.cli import main; main(['list']); sys.exit('torch' in sys.modules)"
    )
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}
        ).returncode
        == 0
    )


def planned(site: Path, *arguments: str) -> Any:
    return listed(site, "plan", "--methods", "capped_ga", "--bench", "robust_capitals", *arguments)


def test_its_phases_are_in_the_plan_and_its_stage_kind_is_one_of_them(site: Path) -> None:
    found = planned(site)
    (models,) = (cell["models"] for cell in found["cells"] if "capped_ga" in cell["cell"])
    assert [each["phase"] for each in models] == ["training", "relearned", "second", "noisy"]
    stages = {stage["key"]: stage for stage in found["stages"]}
    (noise,) = (stage for stage in stages.values() if stage["kind"] == "noise")
    assert noise["spec"] == {"epoch": 2, "scale": 0.01, "seed": 0}
    assert models[3]["model"] == noise["key"]
    second = stages[noise["inputs"]["model"]]
    assert (second["kind"], second["spec"]["method"]) == ("train", "capped_ga")
    relearned = stages[second["inputs"]["start"]]
    assert (relearned["spec"]["method"], relearned["spec"]["train"]["epochs"]) == ("sft", 1)
    trained = stages[relearned["inputs"]["start"]]
    assert trained["spec"]["method"] == "capped_ga"


def test_its_attack_is_listed_with_its_settings(site: Path) -> None:
    attacks = listed(site, "list", "attacks")["attacks"]
    (attack,) = (row for row in attacks if row["name"] == "noisy")
    assert attack["what"] == "Every weight gets a little noise."
    assert attack["from"] == "acme-forgetting 2.5"
    (scale,) = listed(site, "list", "noisy")["settings"]
    assert (scale["setting"], scale["default"]) == ("attack_noisy.scale", "0.01, 0.1")


def test_its_attack_is_run_on_every_row(site: Path, tiny_folder: Path, tmp_path: Path) -> None:
    flags = ("--model", str(tiny_folder), "--dtype", "float32", "--store", str(tmp_path / "store"))
    own = ("--methods", "capped_ga", "--bench", "capitals", "--attack", "noisy:scale=0.5", *flags)
    out = tmp_path / "out"
    done = suite(site, "run", *own, "--out", str(out), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    (table,) = json.loads((out / "results.json").read_text())["comparisons"]
    found = table["robustness"]["found"]
    after = {each["method"]: each for each in found if each["variant"] == "scale=0.5"}
    assert set(after) == {"target", "retrain", "capped_ga"}
    assert 0 < after["target"]["value"] < after["target"]["before"]
    # This benchmark names no model that excess could be over.
    assert {each["excess"] for each in found} == {None}
    assert "there is no baseline model to attack alike" in after["target"]["note"]
    assert table["robustness"]["settings"] == {"noisy:scale=0.5": {"attack_noisy.scale": [0.5]}}
    assert "Under attack" in (out / "leaderboard.html").read_text()


def test_one_stage_is_made_by_its_key(site: Path, tiny_folder: Path, tmp_path: Path) -> None:
    own = ("--methods", "capped_ga", "--bench", "robust_capitals", "--model", str(tiny_folder))
    store = {"SUITE_STORE": str(tmp_path / "store")}
    show = suite(site, "plan", *own, "--json", **store)
    stages = json.loads(show.stdout)["stages"]
    early = suite(site, "stage", stages[-1]["key"], *own, **store)
    assert early.returncode != 0
    assert "which is not stored" in early.stderr
    assert suite(site, "stage", stages[0]["key"][:16], *own, **store).returncode == 0
    again = json.loads(suite(site, "plan", *own, "--json", **store).stdout)["stages"]
    assert [stage["key"] for stage in again if stage["stored"]] == [stages[0]["key"]]


@pytest.mark.slow
def test_the_stages_of_its_run_can_be_made_one_by_one(
    site: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    flags = ("--model", str(tiny_folder), "--dtype", "float32", "--store", str(tmp_path / "store"))
    own = ("--methods", "capped_ga", "--bench", "robust_capitals", *flags)
    stages = planned(site, *flags)["stages"]
    for stage in stages:
        done = suite(site, "stage", stage["key"][:16], *own, OMP_NUM_THREADS="1")
        assert done.returncode == 0, done.stderr
    assert all(stage["stored"] for stage in planned(site, *flags)["stages"])

    out = tmp_path / "out"
    assert suite(site, "run", *own, "--out", str(out)).returncode == 0
    cells = json.loads((out / "results.json").read_text())["cells"]
    (cell,) = (each for each in cells if each["cell"]["method"] == "capped_ga")
    metrics = {metric["name"]: metric["value"] for metric in cell["metrics"]}
    for phase in ("relearned", "second", "noisy"):
        assert 0 < metrics[f"{phase}/forget_probability"] <= 1
    assert len({value for name, value in metrics.items() if "forget_prob" in name}) == 4
    assert all(timing["cached"] for timing in cell["timings"].values())
