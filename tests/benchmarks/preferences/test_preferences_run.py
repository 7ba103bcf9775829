"""Whole runs on random weights and few pairs: what the report says follows from what was
trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.api.cells import CellResult
from suite.config import resolve
from suite.registry import Registry
from suite.run import pipeline

PLACES = (
    "Arvik Belmora Casstad Dundale Elvik Galmora Helstad Kardale Lorvik Melmora Norstad Veldale"
).split()
Flags = dict[str, str]


def write_pairs(path: Path, count: int = len(PLACES)) -> Path:
    rows = [
        {
            "prompt": f"Where was person {i} born?",
            "chosen": f"She was born in {a}.",
            "rejected": f"In {b}, not {a}.",
        }
        for i, (a, b) in enumerate(zip(PLACES, PLACES[1:] + PLACES[:1], strict=True))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[:count]))
    return path


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def run(
    registry: Registry, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., pipeline.Outcome]:
    folder = tmp_path_factory.mktemp("run")
    data = write_pairs(folder / "pairs.jsonl")

    def start(methods: str, *extra: str, **flags: str) -> pipeline.Outcome:
        given = {
            "methods": methods,
            "bench": "preferences",
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
            "preferences.held_out=4",
            "finetune.epochs=1",
            "finetune.lr=1e-3",
            "finetune.batch_size=4",
        ]
        sets += ["train.epochs=2", "train.lr=1e-3", "train.batch_size=4", "train.warmup_steps=1"]
        given = {name: value for name, value in given.items() if value}
        return pipeline.run(resolve(registry, None, given, [*sets, *extra], {}), registry)

    return start


def values(cell: CellResult) -> dict[str, Any]:
    assert cell.status == "ok", cell.error
    return {metric.name: metric.value for metric in cell.metrics}


@pytest.fixture(scope="module")
def cells(run: Callable[..., pipeline.Outcome]) -> dict[str, dict[str, Any]]:
    outcome = run("dpo,ipo:tau=0.5,kto,simpo,preferred_ft,sft")
    assert outcome.exit_status == 0
    return {cell.cell.method: values(cell) for cell in outcome.results.cells}


def test_the_reference_is_a_row_without_rewards(cells: dict[str, dict[str, Any]]) -> None:
    reference = cells["reference"]
    assert reference["own_reward_accuracy"] is None
    assert reference["log_ratio_accuracy"] == 0.5
    assert reference["chosen_log_ratio"] == reference["displaced"] == 0


def test_rewards_in_the_report_are_those_of_each_method(cells: dict[str, dict[str, Any]]) -> None:
    for name, scale in {"dpo": 0.1, "kto": 0.1, "ipo:tau=0.5": 0.5}.items():
        assert cells[name]["own_reward_chosen"] == pytest.approx(
            scale * cells[name]["chosen_log_ratio"]
        )
        assert cells[name]["own_reward_rejected"] == pytest.approx(
            scale * cells[name]["rejected_log_ratio"]
        )
    assert cells["simpo"]["own_reward_chosen"] == pytest.approx(
        2 * cells["simpo"]["chosen_mean_logp"]
    )
    assert cells["preferred_ft"]["own_reward_chosen"] == cells["preferred_ft"]["chosen_logp"]
    assert cells["sft"]["own_reward_accuracy"] is None
    assert cells["sft"]["log_ratio_accuracy"] is not None


def test_log_ratios_are_differences_to_the_row_of_the_reference(
    cells: dict[str, dict[str, Any]],
) -> None:
    for name, cell in cells.items():
        for which in ("chosen", "rejected"):
            difference = cell[f"{which}_logp"] - cells["reference"][f"{which}_logp"]
            assert cell[f"{which}_log_ratio"] == pytest.approx(difference, abs=1e-9), name


def test_training_does_what_the_loss_says(cells: dict[str, dict[str, Any]]) -> None:
    assert cells["preferred_ft"]["chosen_log_ratio"] > 0
    assert cells["preferred_ft"]["displaced"] == 0
    assert cells["dpo"]["own_reward_margin"] > 0
    assert cells["dpo"]["own_reward_accuracy"] == cells["dpo"]["log_ratio_accuracy"] == 1


def test_the_divergence_is_zero_for_the_reference_and_grows_with_the_step_size(
    run: Callable[..., pipeline.Outcome], cells: dict[str, dict[str, Any]]
) -> None:
    assert cells["reference"]["sequence_kl"] == 0
    (_, small) = map(values, run("dpo:lr=1e-5").results.cells)
    assert 0 < small["sequence_kl"] < cells["dpo"]["sequence_kl"]


def test_an_answer_whose_last_token_alone_differs_is_not_cut(
    run: Callable[..., pipeline.Outcome], tmp_path: Path
) -> None:
    """A cut at the context would leave two equal answers, and a loss of ln 2 for ever."""
    shared = " ".join(["She was born in Arvik and lives in Belmora ."] * 4)
    rows = [
        {"prompt": f"Where {i}?", "chosen": f"{shared} A", "rejected": f"{shared} B"}
        for i in range(6)
    ]
    path = tmp_path / "late.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(
        UserError,
        match=r"\(raise finetune.max_length or drop the row\): its answer would be cut off",
    ):
        run("dpo", "train.max_length=40", "finetune.max_length=40", data=str(path))


@pytest.mark.parametrize("size", [1, 3])
def test_kto_with_a_step_of_one_pair_is_refused_before_training(
    run: Callable[..., pipeline.Outcome], tmp_path: Path, size: int
) -> None:
    """4 of 5 pairs train: the second step of three has one left."""
    data = str(write_pairs(tmp_path / "five.jsonl", 5))
    with pytest.raises(
        UserError,
        match=rf"4 pairs in steps of {size} leave a step with a single pair; choose another",
    ):
        run(f"dpo,kto:batch_size={size}", "preferences.held_out=1", data=data)


def test_a_psi_that_needs_true_preferences_is_refused_before_training(
    run: Callable[..., pipeline.Outcome],
) -> None:
    with pytest.raises(
        UserError, match="psipo.psi is 'logit', which needs the true preference probabilities"
    ):
        run("dpo,psipo:psi=logit")


def test_an_answer_that_does_not_fit_is_refused_before_training(
    run: Callable[..., pipeline.Outcome],
) -> None:
    with pytest.raises(
        UserError, match=r"more than the context of 16 \(.*\): its answer would be cut off"
    ):
        run("dpo", "train.max_length=16", "finetune.max_length=16")


@pytest.mark.parametrize(
    "setting",
    [
        "dpo.beta=0",
        "dpo.beta=-1",
        "ipo.tau=0",
        "psipo.tau=-1",
        "kto.beta=-0.1",
        "preferences.held_out=0",
    ],
)
def test_settings_outside_their_range_are_refused_in_one_line(
    run: Callable[..., pipeline.Outcome], setting: str
) -> None:
    with pytest.raises(UserError) as error:
        run("dpo", setting)
    assert setting.partition("=")[0] in str(error.value)
    assert "\n" not in str(error.value)


def test_edit_distance_runs_both_splits_each_by_its_own_protocol(
    run: Callable[..., pipeline.Outcome],
) -> None:
    few = (
        "edit_distance.training_pairs=8",
        "edit_distance.held_out_pairs=3",
        "edit_distance.steps=2",
    )
    results = run("dpop,unlikelihood", *few, bench="edit_distance", data="").results
    assert [table.split for table in results.comparisons] == ["low", "high"]
    for split in ("low", "high"):
        cells = {
            cell.cell.method: values(cell) for cell in results.cells if cell.cell.split == split
        }
        assert cells["reference"]["after_edit_change"] == 0
        for cell in cells.values():
            change = cell["after_edit_logp"] - cells["reference"]["after_edit_logp"]
            assert cell["after_edit_change"] == pytest.approx(change)
        assert cells["dpop"]["own_reward_accuracy"] is not None
        assert cells["dpop"][f"displaced_{split}"] == cells["dpop"]["displaced"]
