"""Where start models come from, and what follows for a plan; models have random weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite import Row, UserError
from suite.config import resolve
from suite.plan.graph import Plan
from suite.plan.starts import Starts, starts_of
from suite.registry import Registry
from suite.run import pipeline
from suite.run.kinds import open_context
from tests.plan.conftest import Planned, ready


def kinds(plan: Plan) -> list[str]:
    return [stage.kind for stage in plan.stages()]


def rows(plan: Plan) -> list[str]:
    return [cell.cell.method for cell in plan.cells]


def test_nothing_is_fine_tuned(planned: Planned, folders: dict[str, str]) -> None:
    methods = f"npo,model:path={folders['other']}"
    plan = planned(methods, *ready(folders, "target", "retrain"))
    assert rows(plan) == ["target", "retrain", "npo", "other"]
    assert kinds(plan).count("train") == 1  # npo's own
    assert kinds(plan).count("base") == 3


def test_finished_models_need_no_target(planned: Planned, folders: dict[str, str]) -> None:
    plan = planned(f"model:path={folders['other']}", *ready(folders, "retrain"))
    assert rows(plan) == ["retrain", "other"]
    assert {"train", "reference"}.isdisjoint(kinds(plan))


def test_the_weights_decide_the_key_and_not_the_folder(
    planned: Planned, folders: dict[str, str], tmp_path: Path
) -> None:
    def imports(plan: Plan) -> set[str]:
        return {stage.key for stage in plan.stages() if stage.kind == "base"}

    methods = f"model:path={folders['other']}"
    moved = shutil.copytree(folders["retrain"], tmp_path / "elsewhere")
    (moved / "notes.md").write_text("no file of the model")
    first = imports(planned(methods, *ready(folders, "retrain")))
    assert imports(planned(methods, f"retrain={moved}")) == first


def test_a_start_model_may_be_trained_beside_a_ready_one(
    planned: Planned, folders: dict[str, str]
) -> None:
    starts = [*ready(folders, "target"), "retrain=train"]
    assert kinds(planned("npo", *starts, model=folders["other"])).count("train") == 2


@pytest.fixture
def sorted_starts(registry: Registry, folders: dict[str, str]) -> Callable[..., Starts]:
    """Start models of TOFU, where the data give these rows."""

    def starts(rows: dict[str, list[Row]], *start: str) -> Starts:
        config = resolve(registry, None, {"start": start, "model": folders["other"]}, [], {})
        tofu: Any = registry.benchmark("tofu")
        return starts_of(open_context(config, registry), tofu(tofu.Config()), rows)

    return starts


ROWS = [Row("1", (), "text")]


def test_a_start_model_without_rows_is_the_run_s_model(
    sorted_starts: Callable[..., Starts], folders: dict[str, str]
) -> None:
    """Own data may start from the given model, and a retrain model may be brought all the same."""
    assert list(sorted_starts({"target": []})) == ["target"]
    found = sorted_starts({"target": []}, *ready(folders, "retrain"))
    assert list(found) == ["target", "retrain"]
    assert found.made == {"target"}
    assert found.ready.keys() == {"retrain"}


def test_the_order_is_the_benchmark_s(
    sorted_starts: Callable[..., Starts], folders: dict[str, str]
) -> None:
    found = sorted_starts({"retrain": ROWS}, "retrain=none", *ready(folders, "target"))
    assert found.names == ("target", "retrain")
    assert list(found) == ["target"]
    with pytest.raises(UserError, match="hold nothing to fine-tune it on"):
        sorted_starts({"target": []}, "retrain=train")


def test_the_shipped_configuration_of_released_models_plans(
    registry: Registry, folders: dict[str, str], tmp_path: Path
) -> None:
    """Local folders stand in for the hub's models."""
    file = Path(__file__).parents[2] / "configs" / "tofu_released.toml"
    shipped = resolve(registry, file, {}, [], {})
    assert shipped.start["target"] == ("open-unlearning/tofu_Llama-3.2-1B-Instruct_full",)
    assert shipped.model == shipped.start["target"][0]
    flags = {
        "start": ready(folders, "target", "retrain"),
        "data": folders["data"],
        "store": str(tmp_path),
    }
    plan, _ = pipeline.plan(resolve(registry, file, flags, [], {}), registry)
    assert rows(plan) == ["target", "retrain", "ga", "grad_diff", "npo", "npo_rt"]
    assert kinds(plan).count("train") == 4


def test_start_seeds_do_not_cross_ready_models(planned: Planned, folders: dict[str, str]) -> None:
    with pytest.raises(UserError, match="start seeds vary the training of start models"):
        planned("npo", *ready(folders, "target", "retrain"), start_seeds="0,1")


def test_a_finished_model_is_one_row_whatever_the_seeds(
    planned: Planned, folders: dict[str, str]
) -> None:
    plan = planned(
        f"model:path={folders['other']}", model=folders["target"], start_seeds="0,1", seeds="0,1"
    )
    assert rows(plan) == ["target", "target", "retrain", "retrain", "other"]
