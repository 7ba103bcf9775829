"""The section [start] and finished models among --methods: reading, writing, the run's model."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.cli import main
from suite.config import json_schema, rebuild_command, resolve, row_name, to_toml
from suite.config.finished import with_folders
from suite.registry import Registry
from suite.settings import RunConfig


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def resolved(registry: Registry, *sets: str, file: Path | None = None, **flags: Any) -> RunConfig:
    return resolve(registry, file, flags, sets, {})


def test_flags_sets_and_environment_say_the_same(registry: Registry) -> None:
    asked = {"target": ("a/b@main",), "retrain": ("c/d", "e/f")}
    flags = ("target=a/b@main", "retrain=c/d", "retrain=e/f")
    assert resolved(registry, start=flags).start == asked
    sets = ("start.target=a/b@main", "start.retrain=c/d,e/f")
    assert resolved(registry, *sets).start == asked
    environ = {"SUITE_START__TARGET": "a/b@main", "SUITE_START__RETRAIN": "c/d,e/f"}
    assert resolve(registry, None, {}, [], environ).start == asked


def test_the_command_and_the_file_give_it_again(registry: Registry, tmp_path: Path) -> None:
    methods = "npo,model:path=g/h:label=theirs"
    config = resolved(registry, methods=methods, start=("target=a/b", "retrain=c/d"))
    command = rebuild_command(config, registry)
    assert "--methods npo,model:path=g/h:label=theirs" in command
    assert "--start target=a/b --start retrain=c/d" in command
    file = tmp_path / "config.toml"
    file.write_text(to_toml(config, registry))
    again = resolved(registry, file=file)
    assert (again.start, again.methods, again.model) == (config.start, config.methods, "a/b")
    assert isinstance(tomllib.loads(file.read_text())["model"], str)


def test_the_run_s_model_is_the_first_ready_one(registry: Registry) -> None:
    starts = ("retrain=c/d", "target=a/b")
    assert resolved(registry, start=starts).model == "a/b"
    assert resolved(registry, start=starts, model="x/y").model == "x/y"
    assert resolved(registry, methods="npo,model:path=g/h").model == "tiny"
    alone = resolved(registry, methods="model:path=g/h,model:path=i/j", start=("retrain=none",))
    assert alone.model == "g/h"
    assert resolved(registry, methods="model:path=g/h", bench="lm_eval:arc_easy").model == "g/h"


def test_none_and_train_are_no_folders(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("none", "train", "real"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "run.toml"
    file.write_text('model = "x/y"\n[start]\ntarget = "real"\nretrain = "none"\n')
    config = resolved(registry, file=file)
    assert config.start == {"target": (str(tmp_path / "real"),), "retrain": ("none",)}
    assert tomllib.loads(to_toml(config, registry))["start"]["retrain"] == ["none"]


def test_rows_are_called_by_label_or_by_the_last_part_of_the_path(registry: Registry) -> None:
    assert row_name(registry, "npo:beta=0.5") == "npo:beta=0.5"
    assert row_name(registry, "model:path=/x/y/final") == "final"
    assert row_name(registry, "model:path=owner/name@v1") == "owner/name@v1"
    assert row_name(registry, "model:path=/x/y:label=ours") == "ours"


def test_a_folder_of_model_folders_stands_for_each(registry: Registry, tmp_path: Path) -> None:
    for name, mark in (("b-10", "config.json"), ("b-9", "adapter_config.json"), ("logs", "x")):
        (tmp_path / name).mkdir()
        (tmp_path / name / mark).write_text("{}")
    config = RunConfig(methods=("npo", f"model:path={tmp_path}"))
    found = with_folders(config, registry)
    assert found == ("npo", f"model:path={tmp_path}/b-9", f"model:path={tmp_path}/b-10")
    (tmp_path / "config.json").write_text("{}")
    assert with_folders(config, registry) == config.methods


def test_the_schema_knows_the_start_models(registry: Registry) -> None:
    properties = json_schema(registry)["properties"]
    assert {"target", "retrain", "reference"} <= properties["start"]["properties"].keys()
    assert properties["model"]["type"] == "string"


def test_a_finished_model_has_no_section(registry: Registry) -> None:
    with pytest.raises(UserError, match="model is a single setting, not a section"):
        resolved(registry, "model.path=x")


def test_list_shows_how_a_finished_model_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "model"]) == 0
    assert "model:path" in capsys.readouterr().out
