"""`suite export` on a real run (the published reduced TOFU on SmolLM2), read back by us, by pandas
and by lm-eval."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas
import pytest

from suite.api.cells import Cell, CellResult
from suite.api.exports import ItemTable, OpenUnlearning
from suite.api.scores import Metric
from suite.cli import main
from suite.core.errors import UserError
from suite.export import open_unlearning
from suite.results import schema as results
from suite.results.outputs import Outputs
from suite.results.samples import Sample, read_samples
from suite.results.schema import Comparison, Results, Run

RUN = Path(__file__).parents[2] / "reports" / "tofu_smollm2_reduced"


def export(name: str, out: Path) -> dict[str, Path]:
    """Exported folders by method."""
    assert main(["export", str(RUN), "--format", name, "--out", str(out)]) == 0
    cells = [result.cell for result in results.read(RUN / "results.json").cells]
    return {cell.method: out / cell.slug for cell in cells}


def scored(capsys: pytest.CaptureFixture[str], *files: str) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert main(["score", "--bench", "tofu", *files, "--json"]) == 0
    return {metric["name"]: metric for metric in json.loads(capsys.readouterr().out)}


def test_what_is_exported_for_open_unlearning_scores_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = export("open-unlearning", tmp_path)
    for result in results.read(RUN / "results.json").cells:
        method = result.cell.method
        unlearned, retrain = (str(folders[name] / "TOFU_EVAL.json") for name in (method, "retrain"))
        found = scored(capsys, "--unlearned", unlearned, "--retrain", retrain)
        for metric in result.metrics:
            again = found[metric.name]
            assert again["value"] == pytest.approx(metric.value, rel=1e-12), (method, metric.name)
            assert (again["n"], again["n_clusters"]) == (metric.n, metric.n_clusters)
        summary = json.loads((folders[method] / "TOFU_SUMMARY.json").read_text())
        values = {metric.name: metric.value for metric in result.metrics}
        assert summary["forget_quality"] == values["forget_quality"]
        assert summary["ra_Truth_Ratio"] == pytest.approx(values["real_authors_truth_ratio"])


def test_lm_eval_prints_what_is_exported(tmp_path: Path) -> None:
    make_table = pytest.importorskip("lm_eval.utils").make_table
    folders = export("lm-eval", tmp_path)
    cells = {result.cell.method: result for result in results.read(RUN / "results.json").cells}
    content = json.loads((folders["npo"] / "results_suite.json").read_text())
    rows = [[part.strip() for part in line.split("|")] for line in make_table(content).splitlines()]
    shown = {row[5]: (row[6], row[7]) for row in rows if len(row) > 7}
    for metric in cells["npo"].metrics:
        arrow = {True: "↑", False: "↓", None: ""}[metric.higher_is_better]
        assert shown[metric.name] == (arrow, f"{metric.value:.4f}")
    lines = (folders["npo"] / "samples_tofu_forget01_suite.jsonl").read_text().splitlines()
    samples = read_samples(RUN / "samples", [cells["npo"].cell.slug])[cells["npo"].cell.slug]
    assert [json.loads(line)["filtered_resps"] for line in lines] == [
        [sample.generation] for sample in samples
    ]
    first = json.loads(lines[0])
    assert first["doc"]["question"] == samples[0].prompt
    assert {name: first[name] for name in first["metrics"]} == samples[0].scores
    assert content["n-samples"]["tofu_forget01"]["effective"] == len(lines)


def test_means_of_the_table_of_items_are_the_metrics(tmp_path: Path) -> None:
    export("csv", tmp_path)
    table = pandas.read_csv(tmp_path / "items.csv")
    means = table.groupby(["method", "set", "metric"])["value"].mean()
    for result in results.read(RUN / "results.json").cells:
        values = {metric.name: metric.value for metric in result.metrics}
        for name in ("forget", "retain", "real_authors", "world_facts"):
            found = means[result.cell.method, name, "rougeL_recall"]
            assert found == pytest.approx(values[f"{name}_rougeL_recall"])


def test_formulas_and_missing_values_in_the_table(tmp_path: Path) -> None:
    run = shutil.copytree(RUN, tmp_path / "run")
    for path in (run / "samples").glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        lines[0] |= {"item_id": "=cmd()", "cluster_id": "+1", "scores": {"rougeL_recall": None}}
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["export", str(run), "--format", "csv"]) == 0
    table = pandas.read_csv(run / "csv" / "items.csv", dtype=str, keep_default_na=False)
    spoilt = table[table["value"] == ""]
    assert len(spoilt) == 6
    assert not any(
        text.startswith(("=", "+")) for text in [*spoilt["item_id"], *spoilt["cluster_id"]]
    )


@pytest.mark.parametrize("name", ["csv", "open-unlearning"])
def test_a_run_without_answers_has_no_items(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(RUN.parent / "logistic_theorem" / "results.json", tmp_path)
    assert main(["export", str(tmp_path), "--format", name]) == 2
    assert f"--format {name}: " in capsys.readouterr().err
    assert main(["export", str(tmp_path), "--format", "lm-eval"]) == 0


def declaring(*exports: OpenUnlearning) -> Results:
    """A run of somebody else's benchmark that declares these exports."""
    run = Run("suite run", "hf", "float32", "chat", "cpu")
    table = Comparison(
        "capitals", "default", "tiny", ("told",), "built in", outputs=Outputs(exports=exports)
    )
    cell = Cell("ga", "capitals", "default", "tiny", 0)
    told = CellResult(cell, "ok", "unlearning", (Metric("told", 0.25, False),))
    return Results(run, (table,), (told,))


def test_any_benchmark_may_name_its_metrics_for_open_unlearning() -> None:
    tables = (
        ItemTable("asked_ROUGE", "asked", "overlap", "rougeL_recall"),
        ItemTable("asked_Ratio", "asked", "ratio", log_of="log_ratio"),
    )
    found = declaring(OpenUnlearning("CAPITALS", tables, aggregates=("told", "absent")))
    asked = [
        Sample("asked", "asked/0", "", "", "", {"overlap": 0.5, "ratio": 1.0, "log_ratio": 0.0}),
        Sample("asked", "asked/1", "", "", "", {"overlap": 1.0, "ratio": 0.5, "log_ratio": 800.0}),
        Sample("other", "other/0", "", "", "", {"overlap": 0.0}),
    ]
    files = open_unlearning.files(found, found.cells[0], asked)
    assert list(files) == ["CAPITALS_EVAL.json", "CAPITALS_SUMMARY.json"]
    evaluation = json.loads(files["CAPITALS_EVAL.json"])
    assert evaluation["asked_ROUGE"] == {
        "agg_value": 0.75,
        "value_by_index": {"0": {"rougeL_recall": 0.5}, "1": {"rougeL_recall": 1.0}},
    }
    ratios = evaluation["asked_Ratio"]["value_by_index"]
    assert ratios["0"] == {"score": 1.0, "log_score": 0.0}
    assert ratios["1"] == {"score": None, "log_score": 800.0}  # e^800 is no double
    summary = json.loads(files["CAPITALS_SUMMARY.json"])
    assert summary == {"asked_ROUGE": 0.75, "asked_Ratio": 0.75, "told": 0.25}


def test_a_prefix_that_leads_out_of_the_folder_is_refused() -> None:
    found = declaring(OpenUnlearning("../../elsewhere", ()))
    sample = Sample("asked", "asked/0", "", "", "")
    with pytest.raises(UserError, match="cannot begin the name of a file"):
        open_unlearning.files(found, found.cells[0], [sample])


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path), "--format", "csv"]) == 4
    assert main(["export", str(RUN), "--format", "lmeval"]) == 2
    assert "'lmeval' is not one of" in capsys.readouterr().err
