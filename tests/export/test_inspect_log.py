"""`suite export --format inspect`, read back by inspect's own library (`tox run -e inspect`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from suite.api.cells import Cell, CellResult
from suite.api.scores import Metric
from suite.cli import main
from suite.export.inspect_log import files
from suite.results import schema
from suite.results.samples import Sample, read_samples
from suite.results.schema import Results, Run

RUN = Path(__file__).parents[2] / "reports" / "tofu_smollm2_reduced"


def test_every_number_and_text_comes_back(tmp_path: Path) -> None:
    log = pytest.importorskip("inspect_ai.log", reason="tox run -e inspect has it")
    assert main(["export", str(RUN), "--format", "inspect", "--out", str(tmp_path)]) == 0
    cells = schema.read(RUN / "results.json").cells
    ours = read_samples(RUN / "samples", [cell.cell.slug for cell in cells])
    for cell in cells:
        (path,) = (tmp_path / cell.cell.slug).glob("*.eval")
        read = log.read_eval_log(path)
        assert (read.status, read.eval.task) == ("success", "tofu_forget01")
        assert read.eval.metadata["method"] == cell.cell.method
        shown = {score.name: score.metrics for score in read.results.scores}
        values = {metric.name: metric.value for metric in cell.metrics if metric.value is not None}
        assert {name: metrics["value"].value for name, metrics in shown.items()} == values
        for metric in cell.metrics:
            if metric.ci_low is not None:
                assert shown[metric.name]["ci_low"].value == metric.ci_low
        samples = ours[cell.cell.slug]
        assert len(read.samples) == len(samples)
        by_id = {sample.id: sample for sample in read.samples}
        for sample in samples:
            again = by_id[sample.item_id]
            assert (again.input, again.target) == (sample.prompt, sample.reference)
            assert again.output.completion == sample.generation
            known = {name: value for name, value in sample.scores.items() if value is not None}
            assert {name: score.value for name, score in again.scores.items()} == known


def test_inspects_table_of_samples_has_the_scores(tmp_path: Path) -> None:
    analysis = pytest.importorskip("inspect_ai.analysis", reason="tox run -e inspect has it")
    assert main(["export", str(RUN), "--format", "inspect", "--out", str(tmp_path)]) == 0
    table = analysis.samples_df(str(tmp_path), quiet=True)
    cells = schema.read(RUN / "results.json").cells
    ours = read_samples(RUN / "samples", [cell.cell.slug for cell in cells])
    assert len(table) == sum(map(len, ours.values()))
    assert table["score_rougeL_recall"].notna().any()


def test_odd_texts_and_several_answers(tmp_path: Path) -> None:
    log = pytest.importorskip("inspect_ai.log", reason="tox run -e inspect has it")
    run = Run("suite run", "hf", "float32", "chat", "cpu")
    metrics = (Metric("told", 0.5, True, n=2), Metric("missing", None, True, note="no retrain"))
    cell = CellResult(Cell("ga", "a/b", "../c", "tiny", 0), "ok", "unlearning", metrics)
    samples = [
        Sample("one", "1", "\ud800 lone", "", "first", {"a": None}, others=["second"]),
        Sample("two", "1", "", "", "", {"a": 0.25}),
    ]
    ((name, content),) = files(Results(run, (), (cell,)), cell, samples).items()
    assert "/" not in name
    (tmp_path / name).write_bytes(content)
    read = log.read_eval_log(tmp_path / name)
    assert [score.name for score in read.results.scores] == ["told"]
    first, second = sorted(read.samples, key=lambda sample: sample.id)
    assert [choice.message.text for choice in first.output.choices] == ["first", "second"]
    assert (first.input, first.scores, second.scores["a"].value) == ("? lone", {}, 0.25)


@pytest.mark.skipif(find_spec("inspect_ai") is not None, reason="inspect is installed")
def test_without_inspect_one_line_names_the_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(RUN), "--format", "inspect", "--out", str(tmp_path / "out")]) == 2
    assert "pip install 'suite-compare[inspect]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
