"""Attacks in a plan: which models are attacked, what they share, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.api.cells import CellResult
from suite.plan.cell import PlannedCell
from suite.plan.graph import Plan
from suite.registry import Registry
from suite.run.keep import _trainings
from tests.plan.conftest import Planned, ready
from tests.thirdparty.distributions import Site

EVERY = "relearn,quantize,prune,sample,few_shot"


@pytest.fixture
def attacked(planned: Planned, folders: dict[str, str]) -> Planned:
    """A plan with given start models; `flags` may name the attacks."""

    def plan(methods: str = "ga", **flags: Any) -> Plan:
        given = {"attack": EVERY, "model": folders["other"], **flags}
        return planned(methods, *ready(folders, "target", "retrain"), **given)

    return plan


def points(cell: PlannedCell) -> list[str]:
    return [point.shown for _, point in cell.attacked]


def test_target_retrain_and_methods_are_attacked_alike(attacked: Planned) -> None:
    plan = attacked()
    assert [cell.cell.method for cell in plan.cells] == ["target", "retrain", "ga"]
    first = points(plan.cells[0])
    assert [points(cell) for cell in plan.cells] == [first] * 3
    rates = ("7e-06", "2e-05", "5e-05")
    relearned = [f"relearn, lr={lr}, step {step}" for lr in rates for step in range(1, 11)]
    assert first == [
        "relearn, before",
        *relearned,
        "quantize, before",
        "quantize",
        "prune, before",
        "prune, share=0.1",
        "prune, share=0.3",
        "sample, before",
        "sample",
        "few_shot, before",
        "few_shot",
    ]


def test_every_attack_starts_from_the_final_weights(attacked: Planned) -> None:
    cell = attacked(attack="quantize,prune").cells[-1]
    assert cell.cell.method == "ga"
    final = cell.final.model
    assert final is not None
    for each, point in cell.attacked:
        assert each.model is not None
        if point.step == 0:
            assert each.model == final
        else:
            assert each.model.stage.input_keys == {"model": final.stage.key}
            assert each.model.stage.spec["epoch"] == final.epoch == 10


def test_before_an_attack_on_all_items_the_cell_is_scored_once(attacked: Planned) -> None:
    cell = attacked(attack="quantize,relearn").cells[-1]
    before = {point.spec: each for each, point in cell.attacked if point.step == 0}
    assert before["quantize"].score.key == cell.final.score.key
    # Relearning asks about some authors only: the same answers, other scores.
    assert before["relearn"].score.key != cell.final.score.key
    assert before["relearn"].responses == cell.final.responses


def test_a_run_without_attacks_has_the_same_stages_but_for_theirs(attacked: Planned) -> None:
    plain = {stage.key for stage in attacked(attack=None).stages()}
    more = {stage.key for stage in attacked(attack="sample").stages()}
    assert plain < more


def test_the_steps_of_a_training(attacked: Planned) -> None:
    """20 rows in steps of 8 make 3 steps an epoch; every second epoch of five, and the last."""
    shown = points(attacked(attack="relearn:lr=1e-4:epochs=5:every=2:batch_size=8").cells[0])
    assert shown[1:] == [
        f"relearn:lr=1e-4:epochs=5:every=2:batch_size=8, lr=0.0001, step {step}"
        for step in (6, 12, 15)
    ]


def test_methods_that_answer_in_their_own_way_are_not_attacked(attacked: Planned) -> None:
    plan = attacked("ga,zero_shot", attack="sample")
    found = {cell.cell.method: cell for cell in plan.cells}
    assert {name for name, cell in found.items() if cell.attacked} == {"target", "retrain", "ga"}
    (note,) = found["zero_shot"].notes
    assert note.startswith("not attacked: it answers in a way of its own")
    assert found["ga"].notes == ()


@pytest.mark.parametrize(
    ("attack", "why"),
    [
        ("relern", "unknown attack 'relern'; did you mean 'relearn'"),
        ("relearn:lr=0", "attack 'relearn:lr=0': relearn.lr is '0', but should be greater than 0"),
        ("relearn:data=all", "relearn.data is 'all', but should be 'disjoint', 'subset'"),
        ("sample:n=4:k=8", "settings of sample: n is 4, .* k = 8"),
        ("quantize,quantize", "attack: 'quantize' is given twice"),
        ("relearn:data=disjoint:share=.99", "0.99 of the forget clusters leaves nothing to ask"),
    ],
)
def test_what_cannot_work_is_refused(attacked: Planned, attack: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        attacked(attack=attack)


def test_one_author_cannot_be_parted_into_learnt_and_asked(attacked: Planned) -> None:
    with pytest.raises(UserError, match="leaves nothing to ask about"):
        attacked(attack="relearn", split="forget01")
    attacked(attack="relearn:data=subset", split="forget01")


def test_a_benchmark_with_nothing_to_forget_is_refused(planned: Planned) -> None:
    with pytest.raises(UserError, match=r"--attack sample: nothing is attacked, .* bandit says"):
        planned("dpo", bench="bandit", attack="sample", data=None)


def test_weights_that_an_attack_trained_are_not_kept(attacked: Planned) -> None:
    """Nor those of an attack on a start model, whose own weights stay."""
    for cell in attacked(attack="relearn:lr=1e-4:epochs=2,quantize").cells:
        result = CellResult(cell.cell, "ok", cell.family)
        kept = {stage.label: epoch for stage, epoch in _trainings(cell, result, "final")}
        own = {"ga": 10} if cell.cell.method == "ga" else {}
        relearned = f"{cell.cell.method}, relearn:lr=1e-4:epochs=2, lr=0.0001"
        assert kept == {**own, relearned: None}


def test_own_data_can_be_attacked(attacked: Planned, tmp_path: Path) -> None:
    for name, people in (("forget", ("Ann", "Bob", "Cid", "Dan")), ("retain", ("Eve", "Fay"))):
        rows = []
        for person in people:
            for number in range(2):
                question = f"Which is the book {number} of {person}?"
                row = {"question": question, "answer": f"Book {number}.", "cluster": person}
                rows.append(json.dumps(row))
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    flags = {"attack": "relearn:epochs=1,sample:n=2,few_shot:shots=2", "data": str(tmp_path)}
    cell = attacked("ga", bench="forget", **flags).cells[-1]
    relearned = next(each for each, point in cell.attacked if point.step)
    assert relearned.model is not None
    assert relearned.model.stage.spec["roles"].keys() == {"demonstrations"}  # type: ignore[union-attr]
    assert [point.spec.partition(":")[0] for _, point in cell.attacked if point.step == 0] == [
        "relearn",
        "sample",
        "few_shot",
    ]


LEAKY = """
    from dataclasses import dataclass
    from suite import Attack, Phase, hookimpl

    @dataclass(frozen=True)
    class Settings:
        \"\"\"None.\"\"\"

    class Leaky(Attack[Settings]):
        \"\"\"Trains on what it asks.\"\"\"
        name = "leaky"
        Config = Settings

        def phases(self, target):
            rows = target.data.roles["forget"][-1:]
            return [Phase("", method="sft", rows={"demonstrations": rows})]

    @hookimpl
    def suite_attacks():
        return [Leaky]
"""


def test_an_attack_that_trains_on_what_it_asks_is_refused(
    attacked: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    Site(tmp_path, monkeypatch).add("acme", {"leaky": LEAKY})
    registry.__dict__.update(Registry.load().__dict__)
    with pytest.raises(UserError, match=r"attack 'leaky' trains on what .* by its id"):
        attacked(attack="leaky")
