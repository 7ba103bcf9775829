"""The packaged weights of `tiny`: they are what their recipe says, and serve no other recipe."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from suite import tiny
from suite.config import resolve
from suite.core.errors import CorruptError
from suite.plan.build import build_plan
from suite.registry import Registry
from suite.run.kinds import open_context
from suite.stages.context import Context
from suite.store import Stage, digest, file_digest
from suite.tiny import packaged
from tests.tiny.likeness import TOLERANCE, apart
from tests.tiny.make_base import make, pretraining

REMAKE = "the recipe of tiny has changed: make its weights again, python -m tests.tiny.make_base"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture
def bases(registry: Registry, tmp_path: Path) -> Callable[..., tuple[Context, list[Stage]]]:
    """Plan a run; return the stages that hold base models."""

    def bases(**flags: Any) -> tuple[Context, list[Stage]]:
        given = {"methods": "ga", "bench": "tofu", "store": str(tmp_path), **flags}
        context = open_context(resolve(registry, None, given, [], {}), registry)
        stages = build_plan(context).stages()
        return context, [stage for stage in stages if "tiny" in stage.label]

    return bases


def labels(stages: list[Stage]) -> list[str]:
    return sorted(stage.label for stage in stages)


SCRATCH = ["pretrain tiny", "tiny: initial weights"]
PACKAGED = ["tiny: packaged weights"]


def test_the_weights_are_those_that_the_recipe_names() -> None:
    assert file_digest(packaged.FOLDER / packaged.WEIGHTS) == packaged.packaged().weights


def test_the_recipe_is_still_that_of_a_run(tmp_path: Path) -> None:
    content = json.loads((packaged.FOLDER / packaged.RECIPE).read_text())
    recipe = packaged.recipe_of(pretraining(tmp_path)[1])
    assert content["recipe"] == recipe, REMAKE
    assert content["recipe_sha256"] == digest(recipe), REMAKE


def test_a_run_starts_from_the_packaged_weights(bases: Any) -> None:
    _, stages = bases()
    assert labels(stages) == PACKAGED


@pytest.mark.parametrize(
    "flags",
    [{"pretraining": "scratch"}, {"start_seeds": "1"}, {"template": "Q: {prompt} A:"}],
    ids=lambda flags: next(iter(flags)),
)
def test_what_they_do_not_fit_is_pretrained(flags: dict[str, str], bases: Any) -> None:
    _, stages = bases(**flags)
    assert labels(stages) == SCRATCH


def test_other_settings_of_the_pretraining_are_another_recipe(
    bases: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tiny.PRETRAIN, "epochs", 12)
    assert labels(bases()[1]) == SCRATCH


def test_another_vocabulary_is_another_recipe(bases: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "_vocabulary", lambda: "other tokens")
    assert labels(bases()[1]) == SCRATCH


def test_of_several_start_seeds_only_the_first_is_packaged(bases: Any) -> None:
    _, stages = bases(start_seeds="0,1")
    assert labels(stages) == sorted(SCRATCH + PACKAGED)


def test_the_keys_tell_packaged_weights_from_pretrained_ones(bases: Any) -> None:
    keys = {bases(pretraining=value)[1][-1].key for value in ("packaged", "scratch")}
    assert len(keys) == 2


def test_the_model_folder_holds_them(bases: Any) -> None:
    context, (stage,) = bases()
    made = load_file(context.store.ensure(stage) / "model.safetensors")
    given = load_file(packaged.FOLDER / packaged.WEIGHTS)
    assert made.keys() == given.keys()
    assert all(torch.equal(made[name], given[name]) for name in given)


def test_damaged_weights_are_refused(
    bases: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, (stage,) = bases()
    damaged = shutil.copytree(packaged.FOLDER, tmp_path / "damaged")
    with (damaged / packaged.WEIGHTS).open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"\1\2\3\4")
    monkeypatch.setattr(packaged, "FOLDER", damaged)
    with pytest.raises(CorruptError, match="install the suite again"):
        context.store.ensure(stage)


def test_other_weights_are_told_apart(tmp_path: Path) -> None:
    """What the slow test below asserts can fail: noise of half their spread is enough."""
    given = load_file(packaged.FOLDER / packaged.WEIGHTS)
    noise = torch.Generator().manual_seed(0)
    other = {}
    for name, tensor in given.items():
        drawn = torch.randn(tensor.shape, generator=noise)
        other[name] = tensor + 0.5 * tensor.std() * drawn
    save_file(other, tmp_path / packaged.WEIGHTS)
    weights = packaged.FOLDER / packaged.WEIGHTS
    assert apart(weights, weights) == 0.0
    assert apart(weights, tmp_path / packaged.WEIGHTS) > TOLERANCE


@pytest.mark.slow
@pytest.mark.weekly
def test_made_again_they_know_the_same(tmp_path: Path) -> None:
    """The same bytes on the machine and with the torch that made them; elsewhere rounding differs,
    so what they say of the corpus is compared."""
    make(tmp_path)
    again = json.loads((tmp_path / packaged.RECIPE).read_text())
    known = json.loads((packaged.FOLDER / packaged.RECIPE).read_text())
    assert again["recipe"] == known["recipe"], REMAKE
    assert again["steps"] == known["steps"]
    if again["weights_sha256"] != known["weights_sha256"]:
        found = apart(packaged.FOLDER / packaged.WEIGHTS, tmp_path / packaged.WEIGHTS)
        print(f"other bytes, made with {again['made_with']}: {found:.3f} nats a token apart")
        assert found < TOLERANCE
