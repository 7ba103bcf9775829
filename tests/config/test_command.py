"""Paths in configuration files, and the command that reports give for building a run again."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from suite.cli import main
from suite.config import elsewhere, rebuild_command, resolve, resolve_recorded, to_toml
from suite.config.command import FROM_FILE
from suite.registry import Registry
from suite.run import pipeline
from suite.settings import RunConfig


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_paths_in_a_file_are_relative_to_the_file(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs" / "data").mkdir(parents=True)
    (tmp_path / "configs" / "tiny").mkdir()
    (tmp_path / "elsewhere").mkdir()
    text = 'data = "data"\nout = "../runs/x"\nstore = "store"\n[lm_eval]\ninclude_path = "tasks"\n'
    file = written(tmp_path / "configs" / "run.toml", text)
    for here, given in ((tmp_path / "elsewhere", file), (tmp_path, Path("configs/run.toml"))):
        monkeypatch.chdir(here)
        config = resolve(registry, given, {"bench": "tofu"}, [], {})
        assert Path(config.data or "").resolve() == tmp_path / "configs" / "data"
        assert Path(config.out).resolve() == tmp_path / "runs" / "x"
        assert Path(config.store or "").resolve() == tmp_path / "configs" / "store"
        tasks = Path(config.sections["lm_eval"]["include_path"])
        assert tasks.resolve() == tmp_path / "configs" / "tasks"
    assert config.out == "runs/x"


def test_names_in_a_file_stay_names(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    text = 'data = "locuslab/TOFU"\nmodel = "tiny"\n'
    config = resolve(registry, written(tmp_path / "run.toml", text), {}, [], {})
    assert (config.data, config.model) == ("locuslab/TOFU", "tiny")
    text = 'model = "./tiny"\n'
    config = resolve(registry, written(tmp_path / "run.toml", text), {}, [], {})
    assert config.model == str(tmp_path / "tiny")


def test_flags_are_relative_to_where_the_command_is_given(
    registry: Registry, tmp_path: Path
) -> None:
    file = written(tmp_path / "run.toml", 'out = "a"\n')
    config = resolve(registry, file, {"data": "data"}, ["store=s"], {"SUITE_OUT": "b"})
    assert (config.data, config.store, config.out) == ("data", "s", "b")


def test_a_written_configuration_may_be_read_from_anywhere(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    first = resolve(registry, None, {"data": "data", "out": "runs/x", "store": "s"}, [], {})
    file = written(tmp_path / "kept" / "config.toml", to_toml(first, registry))
    second = resolve(registry, file, {}, [], {})
    whole = tuple(str(tmp_path / name) for name in ("data", "runs/x", "s"))
    assert (second.data, second.out, second.store) == whole
    usual = resolve(registry, None, {}, [], {})
    assert "out" not in to_toml(usual, registry).split("[", 1)[0].replace("checkpoint", "")


CASES: list[tuple[dict[str, Any], list[str], dict[str, str]]] = [
    ({}, [], {}),
    ({"methods": "ga,npo:beta=0.5:lr=1e-4", "seeds": "0,1"}, ["train.lr=5e-5"], {}),
    ({"bench": "lm_eval:arc_easy"}, ["lm_eval.num_fewshot=none"], {}),
    ({"template": "Question: {prompt}\nAnswer it's: ", "limit": "3"}, [], {}),
    ({"allow_overlap": True, "block": "kto,bco"}, ["preferred_ft.seeds=1,2"], {}),
    ({"bench": "win_rate", "methods": "dpo"}, ['zero_shot.instruction=Say "it", please'], {}),
    ({"methods": "dpo", "bench": "bandit"}, ["bandit.taus=0.5,1"], {"SUITE_SEEDS": "4,5"}),
]


@pytest.mark.parametrize(("flags", "sets", "environ"), CASES)
def test_the_command_gives_the_same_settings_again(
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: dict[str, Any],
    sets: list[str],
    environ: dict[str, str],
) -> None:
    """It is read by a shell, and by the command line itself."""
    config = resolve(registry, None, flags, sets, environ)
    command = rebuild_command(config, registry)
    assert "\n" not in command
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True
    ).stdout.split("\0")[:-1]
    assert words[:2] == ["suite", "run"]
    assert main(["config", "show", *words[2:]]) == 0
    assert capsys.readouterr().out == to_toml(config, registry)


def test_the_command_holds_what_a_file_said_and_no_folders_of_this_machine(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "data").mkdir(parents=True)
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    text = 'methods = ["npo"]\ndata = "data"\nmodel = "../model"\n[npo]\nbeta = 0.05\n'
    file = written(tmp_path / "here" / "run.toml", text)
    config = resolve(registry, file.absolute(), {"out": "/tmp/x", "store": "/tmp/s"}, [], {})
    shown = shlex.split(rebuild_command(config, registry))
    expected = "suite run --methods npo --bench tofu --model model --data data --set npo.beta=0.05"
    assert shown == expected.split()


def test_a_folder_is_no_name_whatever_it_is_called(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tiny` is the embedded model, `none` no model, and `acme/data` is looked for at the hub."""
    for name in ("tiny", "none", "acme/data"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    flags = {"model": str(tmp_path / "tiny"), "data": str(tmp_path / "acme" / "data")}
    started = {**flags, "start": [f"retrain={tmp_path / 'none'}"]}
    config = resolve(registry, None, started, [], {})
    command = rebuild_command(config, registry)
    assert "--model ./tiny --data ./acme/data --start retrain=./none" in command
    again = ["config", "show", *shlex.split(command)[2:]]
    read = resolve(registry, None, {**flags, "model": "./tiny"}, [], {})
    assert Path(read.model).resolve() == tmp_path / "tiny"
    assert main(again) == 0


def test_what_lies_elsewhere_is_named(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    flags = {"model": str(tmp_path / "gpt"), "data": str(tmp_path / "here" / "data")}
    config = resolve(registry, None, {**flags, "start": [f"retrain={tmp_path}/b"]}, [], {})
    assert elsewhere(config, registry) == ("gpt", "b")
    assert "--model gpt --data data --start retrain=b" in rebuild_command(config, registry)


def test_what_no_command_line_can_say_is_left_to_the_file(registry: Registry) -> None:
    config = RunConfig(sections={"zero_shot": {"instruction": "Be brief. "}})
    assert rebuild_command(config, registry) == FROM_FILE


def test_settings_in_results_json_give_the_run_again(registry: Registry, tmp_path: Path) -> None:
    from dataclasses import asdict

    from suite.store import jsonable

    config = resolve(registry, None, {"limit": "2", "seeds": "0,1"}, ["npo.beta=0.05"], {})
    recorded = json.loads(json.dumps(jsonable(asdict(config))))
    again = resolve_recorded(registry, recorded, "results.json", out=config.out)
    assert to_toml(again, registry) == to_toml(config, registry)


def test_the_answers_of_a_published_run_that_are_not_stored_are_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUITE_STORE", str(tmp_path))
    root = Path(__file__).parents[2]
    for name in ("preferences", "bandit"):
        before = sorted((root / "reports" / name).iterdir())
        assert main(["score", str(root / "reports" / name)]) == 4
        shown = capsys.readouterr().err
        assert "not in the store" in shown
        assert "this computes it: suite run --methods " in shown
        assert sorted((root / "reports" / name).iterdir()) == before


@pytest.mark.parametrize("bench", ["bandit", "bandit,preferences"])
def test_what_a_run_of_experiments_has_written_can_be_planned_again(
    registry: Registry, tmp_path: Path, bench: str
) -> None:
    """An experiment refuses training settings, so the file must not hold any that nobody gave."""
    first = resolve(registry, None, {"methods": "dpo", "bench": bench}, [], {})
    file = written(tmp_path / "config.toml", to_toml(first, registry))
    second = resolve(registry, file, {}, [], {})
    cells = [
        [cell.cell for cell in pipeline.plan(each, registry)[0].cells] for each in (first, second)
    ]
    assert cells[0] == cells[1]


def test_the_command_in_a_report_makes_the_run_again(
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Settings come from a file given by its whole path, and from the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUITE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("SUITE_SEEDS", "0,1")
    text = 'methods = ["ga"]\nbench = ["logistic"]\n[logistic]\nsteps = 12\n'
    file = written(tmp_path / "cfg" / "run.toml", text)
    assert main(["run", "--config", str(file), "--out", "first"]) == 0
    monkeypatch.delenv("SUITE_SEEDS")
    page = (tmp_path / "first" / "leaderboard.md").read_text()
    command = page.split("To reproduce these results, run:")[1].strip()
    assert main([*shlex.split(command)[1:], "--out", "second"]) == 0
    # Scored again from its own folder, through the link that is the default, it stays the same run.
    assert main([*shlex.split(command)[1:]]) == 0
    assert main(["score", "runs/latest"]) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2
    found = []
    for folder in ("first", "second", "runs/latest"):
        content = json.loads((tmp_path / folder / "results.json").read_text())
        found.append((content["run"]["command"], [cell["metrics"] for cell in content["cells"]]))
    assert found[0] == found[1]
    assert found[2][1] == found[0][1]
    assert shlex.split(found[2][0])[:6] == shlex.split(found[0][0])[:6]
