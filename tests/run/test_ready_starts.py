"""Start models and finished checkpoints that are there already: what a first run trained and saved
gives the same numbers when a second run is handed its folders."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.api.cells import CellResult
from suite.config import rebuild_command, resolve, to_toml
from suite.registry import Registry
from suite.run import pipeline
from suite.stages.handles import folder_of

Values = dict[str, float | None]
SETS = (
    "limit=8",
    "tofu.retain_authors=3",
    "finetune.epochs=1",
    "finetune.lr=1e-3",
    "train.epochs=2",
    "train.lr=1e-3",
    "train.batch_size=16",
)


@dataclass(frozen=True)
class Trained:
    """A first run, and copies of the models that it left."""

    folder: Path
    flags: Mapping[str, Any]
    values: Mapping[str, Values]
    """By row."""

    def model(self, name: str) -> str:
        """The copied folder of a model: target, retrain, npo_1, npo_2."""
        return str(self.folder / "models" / name)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def trained(
    registry: Registry,
    tiny_folder: Path,
    world_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Trained:
    folder = tmp_path_factory.mktemp("first")
    flags = {
        "bench": "tofu",
        "data": str(world_folder),
        "dtype": "float32",
        "store": str(folder / "store"),
    }
    own = {**flags, "methods": "npo", "model": str(tiny_folder), "out": str(folder / "out")}
    config = resolve(registry, None, own, SETS, {})
    outcome = pipeline.run(config, registry)
    assert outcome.exit_status == 0
    planned, store = pipeline.plan(config, registry)
    for cell in planned.cells:
        for each in cell.trained:
            assert each.model is not None
            several = f"_{each.epoch}" if len(cell.trained) > 1 else ""
            source = folder_of(store.path(each.model.stage), each.model.epoch)
            shutil.copytree(source, folder / "models" / f"{cell.cell.method}{several}")
    return Trained(folder, flags, by_row(outcome.results.cells))


def by_row(cells: tuple[CellResult, ...]) -> dict[str, Values]:
    """Every metric, by row of the table."""
    found = {}
    for result in cells:
        assert result.status == "ok", result.error
        found[result.cell.method] = {metric.name: metric.value for metric in result.metrics}
    return found


def run(
    registry: Registry, trained: Trained, out: str, methods: str, *start: str, **flags: Any
) -> pipeline.Outcome:
    """Another run on the same store, handed models of the first."""
    own = {**trained.flags, "methods": methods, "start": start, **flags}
    own["out"] = str(trained.folder / out)
    config = resolve(registry, None, own, SETS, {})
    return pipeline.run(config, registry, None, rebuild_command(config, registry))


def plan(registry: Registry, trained: Trained, methods: str, *start: str, **flags: Any) -> Any:
    own = {**trained.flags, "methods": methods, "start": start, **flags}
    return pipeline.plan(resolve(registry, None, own, SETS, {}), registry)[0]


@pytest.fixture(scope="module")
def again(registry: Registry, trained: Trained) -> pipeline.Outcome:
    """The same comparison from ready start models, and the trained model as a finished one."""
    methods = f"npo,model:path={trained.model('npo_2')}:label=theirs"
    starts = (f"target={trained.model('target')}", f"retrain={trained.model('retrain')}")
    return run(registry, trained, "again", methods, *starts)


def test_ready_start_models_give_the_results_of_the_run_that_trained_them(
    again: pipeline.Outcome, trained: Trained
) -> None:
    found = by_row(again.results.cells)
    assert list(found) == ["target", "retrain", "npo", "theirs"]
    for row in ("target", "retrain", "npo"):
        assert found[row] == trained.values[row], row


def test_a_finished_checkpoint_is_a_ranked_row_with_the_results_of_its_training(
    again: pipeline.Outcome, trained: Trained
) -> None:
    assert by_row(again.results.cells)["theirs"] == trained.values["npo"]
    (row,) = [result for result in again.results.cells if result.cell.method == "theirs"]
    assert row.family == "finished"
    assert row.best is None
    evidence = again.results.comparisons[0].evidence
    assert evidence is None or {s.method for s in evidence.standings} <= {"npo", "theirs"}


def test_the_report_says_where_the_models_are_from_and_names_no_folder_of_this_machine(
    again: pipeline.Outcome, trained: Trained
) -> None:
    page = (again.report / "leaderboard.md").read_text()
    assert "target model of tofu" in page
    assert "folder target (sha256 " in page
    assert "theirs: a finished model: folder npo\\_2 (sha256 " in page.replace("npo_2", "npo\\_2")
    assert str(trained.folder) not in page
    assert str(trained.folder) not in (again.report / "results.json").read_text()


def test_what_is_written_repeats_the_run(
    registry: Registry, again: pipeline.Outcome, trained: Trained
) -> None:
    file = again.report / "config.toml"
    config = resolve(registry, file, {}, [], {})
    assert config.start == {
        "target": (trained.model("target"),),
        "retrain": (trained.model("retrain"),),
    }
    planned, store = pipeline.plan(config, registry)
    assert planned.missing(store) == []
    assert to_toml(config, registry) == file.read_text()


def test_two_released_models_are_evaluated_without_a_target(
    registry: Registry, trained: Trained
) -> None:
    """The model of the run, and with it the tokenizer, is that of the retrain model."""
    methods = ",".join(f"model:path={trained.model(name)}" for name in ("npo_1", "npo_2"))
    outcome = run(registry, trained, "two", methods, f"retrain={trained.model('retrain')}")
    found = by_row(outcome.results.cells)
    assert list(found) == ["retrain", "npo_1", "npo_2"]
    assert found["npo_2"] == trained.values["npo"]
    assert found["retrain"] == trained.values["retrain"]
    assert {result.cell.model for result in outcome.results.cells} == {"retrain"}


def test_a_folder_of_model_folders_is_a_row_for_each(
    registry: Registry, trained: Trained, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoints"
    for number in (2, 9, 10):
        shutil.copytree(trained.model("npo_1"), folder / f"checkpoint-{number}")
    (folder / "logs").mkdir()
    planned = plan(registry, trained, f"model:path={folder}", "retrain=none")
    rows = [cell.cell.method for cell in planned.cells]
    assert rows == ["checkpoint-2", "checkpoint-9", "checkpoint-10"]
    with pytest.raises(UserError, match="label names one model, but there are 3"):
        plan(registry, trained, f"model:path={folder}:label=mine", "retrain=none")


def test_without_a_retrain_model_what_needs_it_is_null_with_the_reason(
    registry: Registry, trained: Trained
) -> None:
    outcome = run(registry, trained, "none", f"model:path={trained.model('npo_2')}", "retrain=none")
    (result,) = outcome.results.cells
    metrics = {metric.name: metric for metric in result.metrics}
    assert metrics["forget_quality"].value is None
    assert metrics["forget_quality"].note == "no retrain model"
    assert metrics["model_utility"].value == trained.values["npo"]["model_utility"]


def test_several_retrain_models_are_all_compared_with(registry: Registry, trained: Trained) -> None:
    """Forget quality is the median over them; one row of the table stands for both."""
    from statistics import median

    from scipy.stats import ks_2samp

    starts = [f"retrain={trained.model(name)}" for name in ("retrain", "npo_1")]
    methods = ",".join(f"model:path={trained.model(name)}" for name in ("npo_2", "target"))
    outcome = run(registry, trained, "several", methods, *starts)
    cells = [(r.cell.method, r.cell.start_seed) for r in outcome.results.cells]
    assert cells == [("retrain", 0), ("retrain", 1), ("npo_2", 0), ("target", 0)]
    ratios = {}
    for result in outcome.results.cells:
        samples = outcome.samples[result.cell.slug]
        own = [s.scores["log_truth_ratio"] for s in samples if s.set == "forget"]
        ratios[result.cell.method, result.cell.start_seed] = own
    for result in outcome.results.cells[2:]:
        own = ratios[result.cell.method, 0]
        distances = [ks_2samp(own, ratios["retrain", place]).statistic for place in (0, 1)]
        metrics = {metric.name: metric.value for metric in result.metrics}
        assert metrics["forget_quality_D"] == pytest.approx(median(distances))
    evidence = outcome.results.comparisons[0].evidence
    assert evidence is not None
    assert evidence.claims  # nothing trains: these very models are compared, by their answers


def adapter_folder(folder: Path, base: str) -> Path:
    """A peft folder whose adapters change nothing yet."""
    from peft import LoraConfig, get_peft_model

    from suite.model.folder import load_model

    config = LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(load_model(base), config)
    model.peft_config["default"].base_model_name_or_path = base
    model.save_pretrained(folder)
    return folder


def test_an_adapter_folder_is_a_model_on_its_base(
    registry: Registry, trained: Trained, tmp_path: Path
) -> None:
    """Adapters that change nothing give the results of their base."""
    adapters = adapter_folder(tmp_path / "adapters", trained.model("npo_2"))
    methods = f"model:path={adapters}"
    outcome = run(registry, trained, "peft", methods, f"retrain={trained.model('retrain')}")
    assert by_row(outcome.results.cells)["adapters"] == pytest.approx(
        trained.values["npo"], nan_ok=True
    )
    (row,) = [result for result in outcome.results.cells if result.cell.method == "adapters"]
    assert row.notes[0].startswith("a finished model: adapters in folder adapters (sha256 ")
    assert " on folder npo_2 (sha256 " in row.notes[0]


def test_paths_in_a_file_are_relative_to_it(
    registry: Registry, trained: Trained, tmp_path: Path
) -> None:
    file = trained.folder / "run.toml"
    file.write_text(
        'methods = ["model:path=models/npo_2"]\nbench = ["tofu"]\n'
        '[start]\nretrain = ["models/retrain", "models/npo_1"]\ntarget = "none"\n'
    )
    config = resolve(registry, file, dict(trained.flags), SETS, {})
    assert config.start["retrain"] == (trained.model("retrain"), trained.model("npo_1"))
    assert config.start["target"] == ("none",)
    assert config.methods == (f"model:path={trained.model('npo_2')}",)


def test_a_finished_model_beside_methods_with_several_seeds(
    registry: Registry, trained: Trained
) -> None:
    """It is one run: what is said of it rests on the others' runs, and nothing breaks."""
    methods = f"ga,npo,model:path={trained.model('npo_2')}:label=theirs"
    starts = (f"target={trained.model('target')}", f"retrain={trained.model('retrain')}")
    outcome = run(registry, trained, "seeds", methods, *starts, seeds="0,1", evaluate="final")
    cells = [(r.cell.method, r.cell.seed, r.status) for r in outcome.results.cells[2:]]
    assert cells == [
        ("ga", 0, "ok"), ("ga", 1, "ok"), ("npo", 0, "ok"), ("npo", 1, "ok"), ("theirs", 0, "ok"),
    ]  # fmt: skip
    evidence = outcome.results.comparisons[0].evidence
    assert evidence is not None
    assert evidence.seeds == 2
    assert {standing.method for standing in evidence.standings} == {"ga", "npo", "theirs"}


def test_pairs_are_scored_against_a_ready_reference(
    registry: Registry, trained: Trained, tmp_path: Path
) -> None:
    """A copy of the reference has the same log-probabilities, so every log-ratio is 0."""
    from tests.benchmarks.preferences.test_preferences_run import write_pairs

    copy = shutil.copytree(trained.model("target"), tmp_path / "copy")
    methods = f"model:path={copy},model:path={trained.model('npo_2')}"
    flags = {"bench": "preferences", "data": str(write_pairs(tmp_path / "pairs.jsonl"))}
    flags |= {"store": str(tmp_path / "store"), "dtype": "float32", "out": str(tmp_path / "out")}
    flags["methods"] = methods
    start = {"start": (f"reference={trained.model('target')}",)}
    outcome = pipeline.run(resolve(registry, None, {**flags, **start}, [], {}), registry)
    found = by_row(outcome.results.cells)
    assert list(found) == ["reference", "copy", "npo_2"]
    assert found["copy"] == found["reference"]
    assert found["npo_2"] != found["reference"]
    assert found["copy"]["own_reward_accuracy"] is None
