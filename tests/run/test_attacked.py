"""A whole run with attacks, in small: what is stored, resumed, reported, and what a failure
costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.compare.attacked import with_robustness
from suite.config import resolve
from suite.registry import Registry
from suite.results.schema import read
from suite.run import pipeline
from suite.run.attacked import attack_stages
from tests.run.conftest import suite

ATTACKS = "relearn:lr=1e-3:epochs=2:batch_size=8,quantize:type=nf4,sample:n=4"


@pytest.fixture(scope="module")
def command(quick: list[str]) -> tuple[str, ...]:
    return ("run", "--methods", "ga", *quick, "--evaluate", "final", "--attack", ATTACKS)


@pytest.fixture(scope="module")
def folder(command: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is killed within an attack, and started again."""
    folder = tmp_path_factory.mktemp("attacked")
    flags = (*command, "--out", str(folder / "out"))
    # The first answers are the target's, the second those of the target after relearning.
    killed = suite(*flags, store=folder / "store", fault="respond.chunk:2=kill")
    assert killed.returncode == -9
    assert len(list((folder / "store" / "stages" / "train").iterdir())) >= 2
    done = suite(*flags, store=folder / "store")
    assert done.returncode == 0, done.stderr
    return folder


def table(out: Path) -> dict[str, Any]:
    (found,) = json.loads((out / "results.json").read_text())["comparisons"]
    return found  # type: ignore[no-any-return]


def test_every_row_is_attacked_alike(folder: Path) -> None:
    found = table(folder / "out")["robustness"]["found"]
    places: dict[str, list[Any]] = {}
    for each in found:
        place = (each["attack"].split(":")[0], each["variant"], each["step"])
        places.setdefault(each["method"], []).append(place)
    assert set(places) == {"target", "retrain", "ga"}
    assert places["target"] == places["retrain"] == places["ga"]
    assert places["ga"][:3] == [
        ("relearn", "", 0),
        ("relearn", "lr=0.001", 3),
        ("relearn", "lr=0.001", 6),
    ]
    for each in found:
        assert each["value"] is not None
        assert each["excess"] is not None
        assert each["cost"] is not None


def test_relearning_the_authors_changes_the_model_and_sampling_does_not(folder: Path) -> None:
    found = table(folder / "out")["robustness"]["found"]
    after = {(each["attack"].split(":")[0], each["method"]): each for each in found}
    assert after["relearn", "ga"]["value"] > after["relearn", "ga"]["before"]
    assert after["sample", "ga"]["cost"] == 0
    assert after["sample", "ga"]["metric"] == "leak@4"


def test_a_cell_reports_what_each_attack_found(folder: Path) -> None:
    cells = json.loads((folder / "out" / "results.json").read_text())["cells"]
    (cell,) = (each for each in cells if each["cell"]["method"] == "ga")
    values = {metric["name"]: metric["value"] for metric in cell["metrics"]}
    own = [name for name in values if name.startswith("quantize:type=nf4")]
    assert own == [
        "quantize:type=nf4, before/model_utility",
        "quantize:type=nf4, before/forget_answer_probability",
        "quantize:type=nf4/model_utility",
        "quantize:type=nf4/forget_answer_probability",
    ]
    assert values["quantize:type=nf4, before/model_utility"] == values["model_utility"]
    assert cell["timings"]["attacks"]["seconds"] > 0


def test_the_page_shows_them(folder: Path) -> None:
    page = (folder / "out" / "leaderboard.html").read_text()
    assert "Under attack" in page
    assert page.count("<figcaption>relearn:lr=1e-3:epochs=2:batch_size=8, lr=0.001: what") == 1
    assert "beyond the retrain model attacked alike" in page
    assert "### Under attack" in (folder / "out" / "leaderboard.md").read_text()


def test_again_nothing_is_computed(folder: Path, command: tuple[str, ...]) -> None:
    done = suite(*command, "--out", str(folder / "again"), store=folder / "store")
    assert done.returncode == 0, done.stderr
    assert "; 0 of " in done.stderr.splitlines()[1]
    assert table(folder / "again") == table(folder / "out")


def test_scoring_stored_answers_gives_the_same_numbers(folder: Path) -> None:
    before = table(folder / "out")
    store = folder / "store"
    for kind in ("score", "robustness"):
        for made in (store / "stages" / kind).iterdir():
            made.rename(store / f"{kind}-{made.name}")
    done = suite("score", str(folder / "out"), store=store)
    assert done.returncode == 0, done.stderr
    assert table(folder / "out") == before


def test_only_their_own_stages_count_as_theirs(folder: Path) -> None:
    results = read(folder / "out" / "results.json")
    registry = Registry.load()
    flags = {"store": str(folder / "store")}
    config = resolve(registry, folder / "out" / "config.toml", flags, [], {})
    planned, context = pipeline.plan_within(config, registry)
    kinds = [stage.kind for stage in attack_stages(planned.cells[-1])]
    # Before relearning other items are scored, and before sampling by leaks.
    assert sorted(kinds) == [
        "quantize",
        *["respond"] * 4,
        *["score"] * 6,
        "train",
    ]
    finished = {cell.cell for cell in planned.cells}
    (comparison,) = results.comparisons
    again = with_robustness(context, context.store, planned, comparison, finished)
    assert again.robustness == comparison.robustness


FAILING = '''
from dataclasses import dataclass
from suite import Attack, Phase, builds, hookimpl

@dataclass(frozen=True)
class Settings:
    """None."""

class Failing(Attack[Settings]):
    """Fails on every model."""
    name = "failing"
    Config = Settings

    def phases(self, target):
        return [Phase("", kind="breaks")]

@builds("breaks")
def breaks(build, host):
    raise ZeroDivisionError("no such noise")

@hookimpl
def suite_attacks():
    return [Failing]

@hookimpl
def suite_stages():
    return [breaks]
'''


def test_an_attack_that_fails_costs_its_own_numbers_only(
    folder: Path, command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    flags = list(command)
    flags[flags.index("--attack") + 1] = "failing,sample:n=4"
    own = ("--plugin-file", str(tmp_path / "failing.py"), "--out", str(tmp_path / "out"))
    done = suite(*flags, *own, store=folder / "store")
    assert done.returncode == 1
    cells = json.loads((tmp_path / "out" / "results.json").read_text())["cells"]
    assert {cell["status"] for cell in cells} == {"ok"}
    for cell in cells:
        assert any("attack failing: failed: " in note for note in cell["notes"])
    found = table(tmp_path / "out")["robustness"]["found"]
    after = {(each["attack"], each["method"]): each for each in found}
    assert after["failing", "ga"]["value"] is None
    assert after["failing", "ga"]["note"] == "the attack failed"
    assert after["sample:n=4", "ga"]["value"] is not None
