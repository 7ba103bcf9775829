"""Whole runs on random weights: judged, scored, against the data's answers, a start model, a
method."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from suite_benchmarks.win_rate import WinRateConfig
from suite_benchmarks.win_rate.annotations import of_annotations
from suite_benchmarks.win_rate.read import read

from suite import UserError
from suite.api.cells import CellResult
from suite.config import resolve
from suite.registry import Registry
from suite.run import pipeline
from tests.benchmarks.preferences.test_preferences_run import write_pairs

Start = Callable[..., pipeline.Outcome]


@pytest.fixture(scope="module")
def run(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    folder = tmp_path_factory.mktemp("run")
    data = write_pairs(folder / "pairs.jsonl")
    registry = Registry.load()

    def start(methods: str, *extra: str, do: Any = pipeline.run, **flags: str) -> pipeline.Outcome:
        given = {
            "methods": methods,
            "bench": "win_rate",
            "data": str(data),
            "model": str(tiny_folder),
        }
        given |= {
            "dtype": "float32",
            "store": str(folder / "store"),
            "out": str(folder / "out"),
            **flags,
        }
        sets = [
            "win_rate.held_out=4",
            "win_rate.max_new_tokens=12",
            "finetune.epochs=1",
            "finetune.lr=1e-3",
        ]
        sets += [
            "finetune.batch_size=4",
            "train.epochs=2",
            "train.lr=1e-3",
            "train.batch_size=4",
            "train.warmup_steps=1",
        ]
        return do(resolve(registry, None, given, [*sets, *extra], {}), registry)

    return start


def values(cell: CellResult) -> dict[str, Any]:
    assert cell.status == "ok", cell.error
    return {metric.name: metric.value for metric in cell.metrics}


def cells(outcome: pipeline.Outcome) -> dict[str, dict[str, Any]]:
    return {cell.cell.method: values(cell) for cell in outcome.results.cells}


def test_the_answers_are_judged_against_those_of_the_data(run: Start, tmp_path: Path) -> None:
    outcome = run("dpo")
    found = cells(outcome)
    assert set(found) == {"reference", "dpo"}
    for metrics in found.values():
        assert 0 <= metrics["win_rate"] <= 1 and 0 <= metrics["length_controlled_win_rate"] <= 1
        assert metrics["unparsed_rate"] == 0
        assert metrics["canary_win_rate"] == 0  # "Yes." is shorter than all answers
        assert metrics["judge_calls"] == 0
    (comparison,) = outcome.results.comparisons
    assert comparison.judge == "length (a control: the longer answer wins)"
    rates = [point.metrics["win_rate"] for point in outcome.results.cells[1].trajectory]
    assert len(rates) == 2  # over training: one after each epoch
    for sample in next(iter(outcome.samples.values())):
        longer = (len(sample.generation) > len(sample.reference)) + (
            len(sample.generation) >= len(sample.reference)
        )
        assert sample.scores["win_rate"] == longer / 2


def test_a_model_scores_one_half_against_itself(run: Start) -> None:
    found = cells(run("dpo,ipo", "win_rate.against=dpo"))
    assert found["dpo"]["win_rate"] == 0.5
    assert found["dpo"]["tie_rate"] == 1
    assert cells(run("dpo", "win_rate.against=reference"))["reference"]["win_rate"] == 0.5


def test_a_reward_model_judges(run: Start) -> None:
    outcome = run("dpo", "judge_reward.by=model", judge="reward")
    assert outcome.results.comparisons[0].judge == "reward model of the benchmark's pairs"
    assert 0 <= cells(outcome)["dpo"]["win_rate"] <= 1


def test_every_temperature_is_judged(run: Start) -> None:
    found = cells(run("dpo", "win_rate.temperatures=0,1"))["dpo"]
    assert {"win_rate", "win_rate_t1", "length_controlled_win_rate_t1"} <= set(found)


def test_a_dry_run_counts_what_will_be_asked(run: Start) -> None:
    plan, store = run("cdpo", "win_rate.against=reference", do=pipeline.plan)
    assert plan.judging(store)["win_rate"].calls == 0  # the control costs nothing


def test_a_judge_without_what_it_needs_is_refused(run: Start) -> None:
    with pytest.raises(UserError, match="judge 'reward': the benchmark has no ground truth"):
        run("dpo", judge="reward")
    with pytest.raises(UserError, match="unknown judge 'lenght'; did you mean 'length'"):
        run("dpo", judge="lenght")
    with pytest.raises(UserError, match="win_rate.against"):
        run("dpo", "win_rate.against=dpoo")


def test_prompts_without_pairs_train_nothing(run: Start, tmp_path: Path) -> None:
    prompts = tmp_path / "outputs.json"
    prompts.write_text('[{"instruction": "Name a river.", "output": "The Rhine."}]')
    with pytest.raises(UserError, match="holds no pairs to train on"):
        run("dpo", data=str(prompts))


def test_prompts_of_another_file_are_judged(run: Start, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "Where was person 3 born?", "label": "In Arvik."}\n' * 2)
    outcome = run("dpo", f"win_rate.prompts={prompts}")
    assert {
        metric.n for metric in outcome.results.cells[0].metrics if metric.name == "win_rate"
    } == {2}
    assert {
        metric.n_clusters
        for metric in outcome.results.cells[0].metrics
        if metric.name == "win_rate"
    } == {1}


def test_a_run_leaves_alpaca_evals_files_which_say_the_same(run: Start, tmp_path: Path) -> None:
    outcome = run("dpo", out=str(tmp_path))
    folder = tmp_path / "alpaca_eval"
    with (folder / "leaderboard.csv").open() as file:
        rows = {row[""]: row for row in csv.DictReader(file)}
    assert set(rows) == {cell.cell.slug for cell in outcome.results.cells}
    for cell in outcome.results.cells:
        rate = next(metric.value for metric in cell.metrics if metric.name == "win_rate")
        assert rate is not None
        assert float(rows[cell.cell.slug]["win_rate"]) == pytest.approx(100 * rate)
        annotations = folder / cell.cell.slug / "annotations.json"
        (again,) = (m for m in of_annotations(annotations).metrics if m.name == "win_rate")
        assert again.value == pytest.approx(100 * rate)
        outputs = json.loads((folder / cell.cell.slug / "model_outputs.json").read_text())
        generations = [sample.generation for sample in outcome.samples[cell.cell.slug]]
        assert sorted(each["output"] for each in outputs) == sorted(generations)
    written = str(folder / outcome.results.cells[0].cell.slug / "model_outputs.json")
    judged = read(written, False, WinRateConfig()).judged
    assert [pair.chosen for pair in judged] == [
        each["output"] for each in json.loads(Path(written).read_text())
    ]
