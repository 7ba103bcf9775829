"""Rewards in a plan: trained once and shared, part of every key, refused where a benchmark has
none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.config import resolve
from suite.registry import Registry
from suite.run import pipeline


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def pairs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {"prompt": f"question {i // 2}?", "chosen": f"yes {i}", "rejected": f"no {i}"}
        for i in range(12)
    ]
    path = tmp_path_factory.mktemp("pairs") / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def planned(registry: Registry, tiny_folder: Path, pairs_file: Path, tmp_path: Path) -> Any:
    def plan(methods: str, bench: str = "preferences", *sets: str) -> pipeline.Plan:
        data = {"data": str(pairs_file)} if bench == "preferences" else {}
        flags = {
            "methods": methods,
            "bench": bench,
            "model": str(tiny_folder),
            "store": str(tmp_path),
            **data,
        }
        return pipeline.plan(resolve(registry, None, flags, list(sets), {}), registry)[0]

    return plan


def reward_stages(plan: pipeline.Plan) -> set[str]:
    return {stage.inputs["reward"].key for stage in plan.stages() if "reward" in stage.inputs}


def test_one_reward_model_serves_all_methods(planned: Any) -> None:
    plan = planned("ppo,rloo,grpo,best_of_n,reward_model")
    (key,) = reward_stages(plan)
    assert [cell.train is None for cell in plan.cells[1:]] == [False, False, False, True, False]
    assert plan.cells[-1].train is not None
    assert plan.cells[-1].train.key == key  # as a method of its own it is the very same stage


def test_settings_of_the_reward_model_change_what_learns_from_it(planned: Any) -> None:
    one, other = planned("rloo"), planned("rloo", "preferences", "reward_model.centering=0.01")
    assert reward_stages(one) != reward_stages(other)
    assert one.cells[-1].train.key != other.cells[-1].train.key


def test_a_method_that_trains_nothing_is_one_cell_whatever_the_seeds(planned: Any) -> None:
    plan = planned("zero_shot,few_shot,rloo", "preferences", "seeds=0,1")
    assert [(c.cell.method, c.cell.seed) for c in plan.cells[1:]] == [
        ("zero_shot", 0), ("few_shot", 0), ("rloo", 0), ("rloo", 1),
    ]  # fmt: skip
    first, second = (cell.final.responses for cell in plan.cells[1:3])
    assert first.inputs["model"].kind == "base"  # before any fine-tuning
    assert first.key != second.key


@pytest.mark.parametrize(
    ("methods", "bench", "message"),
    [
        ("ppo_gt", "preferences", "needs a ground-truth reward, and the benchmark has none"),
        ("best_of_n", "tofu", "it needs pairs"),
        ("rloo", "tofu", "it needs pairs, prompts"),
        ("zero_shot", "bandit", "it trains nothing, and there is no language model"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(
    planned: Any, methods: str, bench: str, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        planned(methods, bench)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "setting",
    ["ppo.target_kl=0", "ppo.kl_coef=-1", "rloo.samples=1", "grpo.samples=1", "ppo.gamma=1.1"],
)
def test_settings_out_of_range(planned: Any, setting: str) -> None:
    name = setting.partition(".")[0]
    with pytest.raises(UserError) as caught:
        planned(name, "preferences", setting)
    assert "\n" not in str(caught.value)
    assert setting.partition("=")[0].split(".")[1] in str(caught.value)
