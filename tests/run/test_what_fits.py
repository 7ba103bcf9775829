"""Several methods on several benchmarks: what fits is run, what does not is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.cli import main
from suite.config import resolve, to_toml
from suite.core.errors import UserError
from suite.registry import Registry
from suite.run import pipeline
from suite.settings import RunConfig
from tests.benchmarks.preferences.test_preferences_run import write_pairs
from tests.servers.openai_server import FolderModel, OpenAIServer


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def configured(registry: Registry, methods: str, bench: str, *sets: str) -> RunConfig:
    return resolve(registry, None, {"methods": methods, "bench": bench}, list(sets), {})


def test_each_benchmark_runs_the_methods_that_fit_it(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(registry, "npo,dpo", "tofu,preferences")
    planned, _ = pipeline.plan(config, registry)
    pairs = {(cell.cell.method, cell.cell.benchmark) for cell in planned.cells if cell.train}
    assert {("npo", "tofu"), ("dpo", "preferences")} <= pairs
    assert not {("dpo", "tofu"), ("npo", "preferences")} & pairs
    assert [line.partition(":")[0] for line in planned.left_out] == [
        "method 'dpo' cannot run on benchmark 'tofu'",
        "method 'npo' cannot run on benchmark 'preferences'",
    ]
    assert main(["plan", "--methods", "npo,dpo", "--bench", "tofu,preferences"]) == 0
    assert "left out: method 'dpo' cannot run on benchmark 'tofu': it needs pairs" in (
        capsys.readouterr().out
    )


def test_a_benchmark_that_no_method_fits_has_no_cells(registry: Registry) -> None:
    planned, _ = pipeline.plan(configured(registry, "ga", "logistic,preferences"), registry)
    assert {cell.cell.benchmark for cell in planned.cells} == {"logistic"}
    assert len(planned.left_out) == 1


def test_a_method_that_fits_nowhere_is_refused(registry: Registry) -> None:
    for methods, bench in (("npo,sft", "tofu"), ("ga,npo,sft", "tofu,bandit"), ("dpo", "logistic")):
        with pytest.raises(UserError, match=r"method '(sft|dpo)' cannot run on benchmark '"):
            pipeline.plan(configured(registry, methods, bench), registry)


def test_what_was_left_out_stands_in_the_report(registry: Registry, tmp_path: Path) -> None:
    flags = {
        "methods": "dpo,ga",
        "bench": "bandit,logistic",
        "store": str(tmp_path / "store"),
        "out": str(tmp_path / "out"),
    }
    sets = ["bandit.steps=2", "bandit.runs=1", "logistic.steps=10"]
    outcome = pipeline.run(resolve(registry, None, flags, sets, {}), registry)
    assert outcome.exit_status == 0
    assert [r.cell.method for r in outcome.results.cells] == ["dpo", "ga"]
    page = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "method 'ga' cannot run on benchmark 'bandit': it needs forget" in page


def test_a_family_stands_for_its_methods(
    registry: Registry, recwarn: pytest.WarningsRecorder
) -> None:
    members = {cls.name for cls in registry.methods() if cls.family == "unlearning"}
    config = configured(registry, "family:unlearning", "tofu")
    assert set(config.methods) == members - {"pdu"}
    (said,) = recwarn
    assert str(said.message).startswith("family:unlearning leaves out pdu: pdu.epsilon is not set")
    told = configured(registry, "ga,family:unlearning:epochs=2", "tofu", "pdu.epsilon=1")
    assert told.methods[0] == "ga"
    assert set(told.methods[1:]) == {f"{name}:epochs=2" for name in members}
    assert "family" not in to_toml(told, registry)


def test_a_family_leaves_out_what_no_benchmark_of_the_run_has_data_for(registry: Registry) -> None:
    config = configured(registry, "dpo,family:alignment", "bandit")
    assert config.methods[0] == "dpo"
    assert config.methods.count("dpo") == 1
    assert not {"best_of_n", "ppo", "ppo_gt", "rloo"} & set(config.methods)
    assert "ppo_gt" in configured(registry, "family:alignment", "sentiment").methods
    assert "ppo_gt" not in configured(registry, "family:alignment", "preferences").methods


def test_a_family_that_is_not_there(registry: Registry) -> None:
    with pytest.raises(UserError, match=r"^unknown family of methods 'unlerning'; did you mean"):
        configured(registry, "family:unlerning", "tofu")
    with pytest.raises(UserError, match=r"^no method of the family 'alignment' can run on tofu$"):
        configured(registry, "family:alignment", "tofu")


def test_a_family_s_warning_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--methods", "family:unlearning"]) == 0
    shown = capsys.readouterr().err
    assert shown.startswith("suite: warning: family:unlearning leaves out pdu: ")
    assert shown.count("\n") == 1


def test_an_endpoint_answers_for_the_base_model_and_the_start_model_is_left_out(
    registry: Registry, tiny_folder: Path, tmp_path: Path
) -> None:
    data = write_pairs(tmp_path / "pairs.jsonl")
    with OpenAIServer(FolderModel(tiny_folder)) as server:
        flags = {
            "methods": "zero_shot",
            "bench": "win_rate",
            "engine": "openai",
            "model": str(tiny_folder),
            "data": str(data),
            "store": str(tmp_path / "store"),
            "out": str(tmp_path / "out"),
        }
        sets = [
            f"openai.base_url={server.url}",
            f"openai.model={server.name}",
            "win_rate.held_out=2",
            "win_rate.max_new_tokens=4",
        ]
        outcome = pipeline.run(resolve(registry, None, flags, sets, {}), registry)
    assert [(r.cell.method, r.status) for r in outcome.results.cells] == [("zero_shot", "ok")]
    others = ("precision", "the command names files")
    notes = outcome.results.run.notes
    (reason,) = [note for note in notes if not note.startswith(others)]
    assert "answers from the one model that its endpoint serves, but answers of reference" in reason


def test_a_benchmark_of_finished_models_leaves_out_a_method_that_is_more_than_a_model(
    registry: Registry,
) -> None:
    config = configured(registry, "npo,zero_shot", "tofu,lm_eval:arc_easy")
    planned, _ = pipeline.plan(config, registry)
    measured = [c.cell.method for c in planned.cells if c.cell.benchmark.startswith("lm_eval")]
    assert measured == ["target", "retrain", "npo"]
    (reason,) = planned.left_out
    assert reason.startswith("method 'zero_shot' answers in a way of its own")
