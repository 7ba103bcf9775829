"""Which rows an attack learns from, at which rates, and what it asks about then."""

from __future__ import annotations

from typing import Any

import pytest
from suite_plugins.attacks.relearn import Relearn, RelearnConfig

from suite import Target, UserError
from suite.config import resolve
from suite.registry import Registry


def relearn(**settings: Any) -> Relearn:
    return Relearn(RelearnConfig(**settings))


def test_a_training_for_each_rate(target: Target) -> None:
    attack = relearn(lr=(1e-4, 2e-5), epochs=3, every=2, batch_size=4)
    first, second = attack.phases(target)
    assert (first.name, second.name) == ("lr=0.0001", "lr=2e-05")
    assert (first.method, first.every) == ("sft", 2)
    assert first.train == {
        "lr": 1e-4,
        "epochs": 3,
        "batch_size": 4,
        "schedule": "constant",
        "warmup_epochs": 0.0,
        "warmup_steps": 0,
    }
    assert first.rows == second.rows


@pytest.mark.parametrize(
    ("data", "learnt", "asked"), [("disjoint", 6, 6), ("subset", 8, 4), ("retain", 1, 12)]
)
def test_what_is_learnt_is_not_asked(target: Target, data: Any, learnt: int, asked: int) -> None:
    attack = relearn(data=data)
    attack.check(target)
    (phase, *_) = attack.phases(target)
    rows = phase.rows["demonstrations"]
    items = attack.tested(target).sets["forget"]
    assert (len(rows), len(items)) == (learnt, asked)
    assert attack.disjoint
    assert not {row.id for row in rows} & {item["row"] for item in items}


def test_the_forget_set_itself_claims_nothing(target: Target) -> None:
    attack = relearn(data="forget")
    assert not attack.disjoint
    assert attack.tested(target) is target.data
    assert attack.phases(target)[0].rows["demonstrations"] == target.data.roles["forget"]


def test_a_benchmark_without_such_rows_is_refused(target: Target) -> None:
    del target.data.roles["retain"]  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="twelve facts holds no retain rows"):
        relearn(data="retain").check(target)


@pytest.mark.parametrize("lr", ["", "1e-4,1e-4"])
def test_rates_are_named_once_each(lr: str) -> None:
    with pytest.raises(UserError, match="lr must name at least one learning rate, and each once"):
        resolve(Registry.load(), None, {"attack": "relearn"}, [f"attack_relearn.lr={lr}"], {})
