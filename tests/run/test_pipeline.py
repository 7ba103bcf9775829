"""One whole run in this process, and what a second method, a second run and a failing method
cost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from suite.config import resolve
from suite.registry import Registry
from suite.results.schema import read
from suite.run import pipeline
from suite.settings import RunConfig


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def config(
    registry: Registry, quick: list[str], tmp_path_factory: pytest.TempPathFactory
) -> RunConfig:
    flags = {quick[i][2:]: quick[i + 1] for i in range(0, len(quick), 2) if quick[i] != "--set"}
    sets = [quick[i + 1] for i in range(0, len(quick), 2) if quick[i] == "--set"]
    folder = tmp_path_factory.mktemp("run")
    flags |= {
        "methods": "ga,npo",
        "store": str(folder / "store"),
        "out": str(folder / "out"),
        "limit": "8",
    }
    return resolve(registry, None, flags, sets, {})


@pytest.fixture(scope="module")
def outcome(config: RunConfig, registry: Registry) -> pipeline.Outcome:
    return pipeline.run(config, registry)


def test_every_file_is_there_and_every_model_is_a_row(
    outcome: pipeline.Outcome, config: RunConfig
) -> None:
    out = Path(config.out)
    for name in (
        "results.json",
        "leaderboard.md",
        "leaderboard.csv",
        "leaderboard.json",
        "leaderboard.html",
    ):
        assert (out / name).stat().st_size > 100
    results = read(out / "results.json")
    assert [c.cell.method for c in results.cells] == ["target", "retrain", "ga", "npo"]
    assert all(c.status == "ok" and c.partial for c in results.cells)
    assert outcome.exit_status == 0
    for cell in results.cells:
        lines = (out / "samples" / f"{cell.cell.slug}.jsonl").read_text().splitlines()
        assert len(lines) == 4 * 8
        assert {json.loads(line)["set"] for line in lines} == {
            "forget",
            "retain",
            "real_authors",
            "world_facts",
        }


def test_retrain_compared_with_itself_has_forget_quality_one(outcome: pipeline.Outcome) -> None:
    retrain = outcome.results.cells[1]
    values = {m.name: m.value for m in retrain.metrics}
    assert values["forget_quality"] == 1.0
    assert values["forget_quality_D"] == 0.0


def test_final_and_best_epoch_are_both_there(outcome: pipeline.Outcome) -> None:
    ga = outcome.results.cells[2]
    assert [point.epoch for point in ga.trajectory] == [1, 2]
    assert ga.best is not None
    final = {m.name: m.value for m in ga.metrics}
    assert final.pop("hypervolume") == 0.0  # no utility is left
    assert final == ga.trajectory[-1].metrics
    qualities = [point.metrics["forget_quality"] for point in ga.trajectory]
    assert ga.best.epoch == 1 + qualities.index(max(qualities))


def test_items_give_the_metric_again(
    outcome: pipeline.Outcome, config: RunConfig, registry: Registry
) -> None:
    planned, store = pipeline.plan(config, registry)
    stage = planned.cells[2].final.score
    items = [
        json.loads(line) for line in (store.path(stage) / "items.jsonl").read_text().splitlines()
    ]
    values = [i["value"] for i in items if (i["set"], i["metric"]) == ("forget", "rougeL_recall")]
    metric = next(m for m in outcome.results.cells[2].metrics if m.name == "forget_rougeL_recall")
    assert metric.value == pytest.approx(sum(values) / len(values))


def test_a_second_run_computes_nothing(
    outcome: pipeline.Outcome, config: RunConfig, registry: Registry
) -> None:
    planned, store = pipeline.plan(config, registry)
    assert planned.missing(store) == []
    again = pipeline.run(config, registry)
    assert all(t.cached for c in again.results.cells for t in c.timings.values())
    assert [c.metrics for c in again.results.cells] == [c.metrics for c in outcome.results.cells]


def test_a_second_method_adds_its_own_cost(
    outcome: pipeline.Outcome, config: RunConfig, registry: Registry
) -> None:
    planned, store = pipeline.plan(replace(config, methods=("ga", "npo", "npo_rt")), registry)
    kinds = [stage.kind for stage in planned.missing(store)]
    assert kinds.count("train") == 1
    assert kinds.count("reference") == 0
    assert sorted(set(kinds)) == ["respond", "score", "train"]
    variant, _ = pipeline.plan(replace(config, methods=("npo:beta=0.5",)), registry)
    assert "reference" not in [stage.kind for stage in variant.missing(store)]


def test_a_diverging_method_is_a_row_with_its_reason_and_harms_no_other(
    config: RunConfig, registry: Registry
) -> None:
    out = str(Path(config.out).with_name("diverged"))
    outcome = pipeline.run(replace(config, methods=("ga:lr=1e30", "npo"), out=out), registry)
    by_method = {c.cell.method: c for c in outcome.results.cells}
    assert by_method["ga:lr=1e30"].status == "diverged"
    assert "loss" in by_method["ga:lr=1e30"].error
    assert by_method["npo"].status == "ok"
    assert outcome.exit_status == 1
    assert "diverged" in (Path(out) / "leaderboard.md").read_text()


def test_score_again_from_stored_answers(
    outcome: pipeline.Outcome, config: RunConfig, registry: Registry
) -> None:
    file = outcome.report / "config.toml"
    settings = file.read_text() + "# as it ran\n"
    file.write_text(settings)
    again = pipeline.score(config, registry)
    assert file.read_text() == settings
    assert [c.metrics for c in again.results.cells] == [c.metrics for c in outcome.results.cells]
