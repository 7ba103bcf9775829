"""Which cells and stages `lm_eval:TASK` adds, what is in their keys, and what is refused before
anything loads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.cli import main
from suite.config import resolve, to_toml
from suite.plan.build import build_plan
from suite.plan.graph import Plan
from suite.registry import Registry
from suite.run.kinds import open_context
from tests.benchmarks.lm_eval.conftest import write_tasks
from tests.run.conftest import write_tables


def planned(flags: dict[str, Any], *sets: str) -> Plan:
    registry = Registry.load()
    return build_plan(open_context(resolve(registry, None, flags, sets, {}), registry))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tables(tmp_path_factory.mktemp("world")))


def kinds(plan: Plan) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for stage in plan.stages():
        found.setdefault(stage.kind, set()).add(stage.key)
    return found


def test_the_models_of_another_benchmark_are_measured_and_nothing_else_is_trained(
    tasks: Path, tiny_folder: Path, data: str
) -> None:
    flags = {"methods": "ga,npo", "model": str(tiny_folder), "data": data, "seeds": "0,1"}
    own = f"lm_eval.include_path={tasks}"
    before, after = (
        planned({**flags, "bench": "tofu"}),
        planned({**flags, "bench": "tofu,lm_eval:acme_group"}, own),
    )
    added = kinds(after)
    assert len(added.pop("measure")) == 6
    assert added == kinds(before)
    cells = [c.cell for c in after.cells if c.cell.benchmark == "lm_eval:acme_group"]
    rows = [("target", 0), ("retrain", 0), ("ga", 0), ("ga", 1), ("npo", 0), ("npo", 1)]
    assert [(cell.method, cell.seed) for cell in cells] == rows
    assert {cell.split for cell in cells} == {"tofu-forget10"}


def test_alone_it_measures_the_model_itself(tasks: Path, tiny_folder: Path) -> None:
    flags = {"bench": "lm_eval:acme_capitals,acme_books", "model": str(tiny_folder)}
    plan = planned(flags, f"lm_eval.include_path={tasks}")
    names = [(c.cell.method, c.cell.benchmark) for c in plan.cells]
    assert names == [("base", "lm_eval:acme_capitals"), ("base", "lm_eval:acme_books")]
    assert {stage.kind for stage in plan.stages()} == {"base", "measure"}


def test_finished_models_are_measured_alone_and_beside_others(
    tasks: Path, tiny_folder: Path, data: str, tmp_path: Path
) -> None:
    from suite.model import folder as models
    from suite.tiny.model import initial_model

    released = tmp_path / "released"
    models.save_model(
        initial_model(models.load_tokenizer(tiny_folder), 2),
        models.load_tokenizer(tiny_folder),
        released,
    )
    own = f"lm_eval.include_path={tasks}"
    methods = f"model:path={tiny_folder}:label=ours,model:path={released}"
    alone = planned({"bench": "lm_eval:acme_capitals", "methods": methods}, own)
    assert [cell.cell.method for cell in alone.cells] == ["ours", "released"]
    assert len(kinds(alone)["measure"]) == 2
    based = {"methods": f"model:path={released}", "model": str(tiny_folder)}
    rows = planned({"bench": "lm_eval:acme_capitals", **based}, own)
    assert [cell.cell.method for cell in rows.cells] == ["base", "released"]
    beside = planned({"bench": "tofu,lm_eval:acme_capitals", "data": data, **based}, own)
    measured = [c.cell.method for c in beside.cells if c.cell.benchmark != "tofu"]
    assert measured == ["target", "retrain", "released"]
    assert kinds(rows)["measure"] == kinds(alone)["measure"]  # the label is in no key
    assert len(kinds(rows)["measure"] & kinds(beside)["measure"]) == 1


def measure_key(folder: Path, model: Path, *sets: str) -> str:
    flags = {"bench": "lm_eval:acme_group", "model": str(model)}
    plan = planned(flags, f"lm_eval.include_path={folder}", *sets)
    (key,) = kinds(plan)["measure"]
    return key


def test_the_key_holds_definitions_and_data_but_no_place(tiny_folder: Path, tmp_path: Path) -> None:
    original = measure_key(write_tasks(tmp_path / "a"), tiny_folder)
    assert measure_key(write_tasks(tmp_path / "b"), tiny_folder) == original
    assert (
        measure_key(write_tasks(tmp_path / "c"), tiny_folder, "lm_eval.num_fewshot=2") != original
    )
    for i, (name, old, new) in enumerate(
        [
            ("docs.jsonl", "Basil", "Basel"),
            ("acme_books.yaml", "2.0", "2.1"),
            ("acme.yaml", "acc", "acc_norm"),
        ]
    ):
        folder = write_tasks(tmp_path / f"changed-{i}")
        (folder / name).write_text((folder / name).read_text().replace(old, new))
        assert measure_key(folder, tiny_folder) != original, name


def test_a_written_configuration_repeats_the_run(tasks: Path, tmp_path: Path) -> None:
    registry = Registry.load()
    sets = [f"lm_eval.include_path={tasks}", "lm_eval.batch_size=3"]
    config = resolve(registry, None, {"bench": "lm_eval:acme_capitals,acme_books"}, sets, {})
    assert (config.methods, config.bench) == ((), ("lm_eval:acme_capitals", "lm_eval:acme_books"))
    file = tmp_path / "run.toml"
    file.write_text(to_toml(config, registry))
    again = resolve(registry, file, {}, [], {})
    assert (again.methods, again.bench) == (config.methods, config.bench)
    assert again.sections["lm_eval"]["batch_size"] == 3


@pytest.mark.parametrize(
    ("bench", "extra", "said"),
    [
        (
            "lm_eval:acme_capitls",
            [],
            "unknown lm_eval task 'acme_capitls'; did you mean 'acme_capitals'",
        ),
        ("lm_eval:hellaswagg", [], "did you mean 'hellaswag'"),
        ("lm_eval", [], "name a task of the harness: --bench lm_eval:arc_easy"),
        (
            "lm_eval:acme_books",
            ["--methods", "ga"],
            "method 'ga' needs forget, but lm_eval:acme_books has no training",
        ),
        (
            "lm_eval:acme_books",
            ["--set", "lm_eval.batch_size=0"],
            "lm_eval.batch_size is '0', but should be greater",
        ),
        (
            "lm_eval:acme_books",
            ["--set", "lm_eval.include_path=./nowhere"],
            "include_path ./nowhere: no such folder",
        ),
        (
            "lm_eval:acme_books",
            ["--engine", "openai", "--set", "openai.model=m"],
            "with --engine hf or vllm, not",
        ),
        (
            "tofu:forget01",
            [],
            "benchmark 'tofu' takes nothing behind a colon, but 'tofu:forget01' was asked for",
        ),
        ("lm_eval:acme_books,lm_eval:acme_books", [], "bench: 'lm_eval:acme_books' is given twice"),
    ],
)
def test_a_mistake_is_one_line_before_any_model_loads(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    tasks: Path,
    tiny_folder: Path,
    bench: str,
    extra: list[str],
    said: str,
) -> None:
    own = ["--set", f"lm_eval.include_path={tasks}"]
    places = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    status = main(["run", "--model", str(tiny_folder), "--bench", bench, *places, *own, *extra])
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 2, message
    assert message.startswith("suite: error: ")
    assert said in message
    assert not (tmp_path / "store").exists()


def test_missing_data_is_found_before_anything_trains(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from suite.run import pipeline

    monkeypatch.setitem(os.environ, "HF_DATASETS_OFFLINE", "1")
    folder = write_tasks(tmp_path / "tasks")
    (folder / "docs.jsonl").unlink()
    registry = Registry.load()
    flags = {
        "bench": "lm_eval:acme_books",
        "model": str(tiny_folder),
        "store": str(tmp_path / "store"),
    }
    config = resolve(registry, None, flags, [f"lm_eval.include_path={folder}"], {})
    with pytest.raises(
        UserError, match="lm_eval task 'acme_books' cannot be loaded: FileNotFoundError"
    ):
        pipeline.run(config, registry)
    assert not (tmp_path / "store" / "stages").exists()
