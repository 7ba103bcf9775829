"""Models that a run refuses to compare, each in one line before anything loads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.config import resolve
from suite.plan.alike import check_models
from suite.registry import Registry
from suite.run.kinds import open_context
from tests.plan.conftest import Planned, ready


def changed(source: str, target: Path, name: str, change: Any) -> str:
    """A copy of a model folder with one JSON file changed."""
    folder = shutil.copytree(source, target)
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
    return str(folder)


def test_what_is_refused_while_planning(
    planned: Planned, folders: dict[str, str], tmp_path: Path
) -> None:
    target, retrain = folders["target"], folders["retrain"]

    def larger(config: dict[str, Any]) -> None:
        config["hidden_size"] = 256

    def swapped(tokenizer: dict[str, Any]) -> None:
        vocabulary = tokenizer["model"]["vocab"]
        first, second = list(vocabulary)[-2:]
        vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]

    other = folders["other"]
    copy = shutil.copytree(retrain, tmp_path / "copy")
    (copy / "README.md").write_text("the same weights, another folder")
    shape = changed(retrain, tmp_path / "shape", "config.json", larger)
    tokens = changed(retrain, tmp_path / "tokens", "tokenizer.json", swapped)
    pickled = shutil.copytree(retrain, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    (tmp_path / "nothing").mkdir()
    lost = tmp_path / "lost"
    lost.mkdir()
    base = {"base_model_name_or_path": "/nowhere/base"}
    (lost / "adapter_config.json").write_text(json.dumps(base))
    templates = tmp_path / "templates"
    shutil.copytree(retrain, templates)
    (templates / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    for start, message in [
        ([f"target={target}"], "needs the start model 'retrain': name it with --start retrain="),
        ([f"retrain={retrain}"], "needs the start model 'target': name it with --start target="),
        ([f"retrain={retrain}", "target=none"], "but --start target=none leaves it out"),
        ([f"target={retrain}", f"retrain={copy}"], "copy has the same weights as --start target"),
        ([f"target={target}", f"retrain={shape}"], r"another architecture \(hidden_size 256, not"),
        ([f"target={target}", f"retrain={tokens}"], r"another vocabulary \(token '"),
        ([f"target={target}", f"retrain={templates}"], "another chat template"),
        ([f"target={target}", f"retrain={pickled}"], "pickled weights are never loaded"),
        ([f"target={target}", f"retrain={tmp_path / 'nothing'}"], "no config.json in this folder"),
        ([f"target={target}", f"retrain={lost}"], "its base model /nowhere/base: no such folder"),
        ([f"target={target}", "retrain=./missing"], "no such folder"),
        ([f"target={target}", "retrain=tiny"], "a run makes that model itself"),
        ([f"target={target}", f"target={other}", f"retrain={retrain}"], "uses one"),
        ([f"target={target}", "retrain=train"], "name it with --model"),
        (["retrian=x"], "unknown setting 'start.retrian'; did you mean 'start.retrain'"),
        (["reference=x"], "unknown start model of tofu 'reference'"),
        (["target"], "expected NAME=MODEL"),
        (["target="], "start.target is empty"),
    ]:
        with pytest.raises(UserError, match=message) as caught:
            planned("npo", *start)
        assert "\n" not in str(caught.value)


def test_finished_models_that_are_refused(
    planned: Planned, folders: dict[str, str], tmp_path: Path
) -> None:
    path = folders["other"]
    for methods, message in [
        (f"model:path={path}:lr=1e-4", "lr has no effect on a finished model"),
        (f"model:path={path}:seeds=1", "seeds has no effect on a finished model"),
        ("model", "model.path is not set"),
        (f"model:path={path},model:path={path}:label=other", "would both be the row 'other'"),
        (f"model:path={path}:label=retrain", "has the name of a start model"),
        (f"model:path={tmp_path}", "no config.json in this folder"),
        ("model:path=./missing", "no such folder"),
        (f"model:path={path},zero_shot", "asks the model before fine-tuning: name it with"),
    ]:
        with pytest.raises(UserError, match=message) as caught:
            planned(methods, *ready(folders, "retrain"))
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="compares with the start model 'retrain': name it with"):
        planned(f"model:path={path}")


def test_a_run_that_is_handed_no_model_reads_none(registry: Registry) -> None:
    config = resolve(registry, None, {"model": "nobody/nothing"}, [], {})
    check_models(open_context(config, registry))
