"""`suite score --bench tofu`: files of open-unlearning and of the TOFU repository."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from suite.cli import main
from tests.benchmarks.tofu.log_files import Model

UNLEARNED, RETRAIN = Model(1, shift=0.5), Model(2)
FORMATS = {
    "original": Model.original,
    "lists": lambda model: model.original(lists=True),
    "open-unlearning": Model.open_unlearning,
    "without losses": lambda model: model.open_unlearning(losses=False),
}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(content: Any, name: str = "unlearned.json") -> str:
    Path(name).write_text(json.dumps(content))
    return name


def scored(capsys, unlearned: Any, retrain: Any = None) -> dict[str, dict[str, Any]]:
    """Metrics by name, as the command prints them."""
    files = ["--unlearned", write(unlearned)]
    files += [] if retrain is None else ["--retrain", write(retrain, "retrain.json")]
    assert main(["score", "--bench", "tofu", *files, "--json"]) == 0
    return {metric["name"]: metric for metric in json.loads(capsys.readouterr().out)}


def mistake(capsys, unlearned: Any, retrain: Any = None) -> str:
    files = ["--unlearned", write(unlearned)]
    files += [] if retrain is None else ["--retrain", write(retrain, "retrain.json")]
    assert main(["score", "--bench", "tofu", *files]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err.removeprefix("suite: error: ").strip()


@pytest.mark.parametrize("made", FORMATS)
@pytest.mark.parametrize("reference", ["original", "without losses"])
def test_the_numbers_of_both_programs(made, reference, folder, capsys) -> None:
    found = scored(capsys, FORMATS[made](UNLEARNED), FORMATS[reference](RETRAIN))
    expected = stats.ks_2samp(
        UNLEARNED.truth_ratio("forget"), RETRAIN.truth_ratio("forget"), method="exact"
    )
    assert found["forget_quality"]["value"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert found["forget_quality_D"]["value"] == pytest.approx(expected.statistic)
    assert found["forget_quality_log10p"]["value"] == pytest.approx(math.log10(expected.pvalue))
    assert found["forget_quality"]["n_clusters"] == 3
    assert found["model_utility"]["value"] == pytest.approx(UNLEARNED.model_utility())
    ratio = UNLEARNED.truth_ratio("forget")
    assert found["forget_truth_ratio"]["value"] == pytest.approx(
        np.minimum(ratio, 1 / ratio).mean()
    )
    for name, long in (("retain", "retain"), ("ra", "real_authors"), ("wf", "world_facts")):
        assert found[f"{long}_answer_probability"]["value"] == pytest.approx(
            UNLEARNED.probability(name).mean()
        )
        assert found[f"{long}_rougeL_recall"]["value"] == pytest.approx(
            UNLEARNED.rouge[name].mean()
        )
    assert (found["retain_rougeL_recall"]["n"], found["retain_rougeL_recall"]["n_clusters"]) == (
        80,
        4,
    )
    assert "not in unlearned.json" in found["forget_extraction_strength"]["note"]


def test_without_a_retrain_model_there_is_no_forget_quality(folder, capsys) -> None:
    found = scored(capsys, UNLEARNED.original())
    for name in ("forget_quality", "forget_quality_D", "forget_quality_log10p"):
        assert (found[name]["value"], found[name]["note"]) == (None, "no retrain model")
    assert found["model_utility"]["value"] == pytest.approx(UNLEARNED.model_utility())


def test_the_table_shows_forget_quality_and_the_nine_parts(folder, capsys) -> None:
    files = [write(UNLEARNED.original()), write(RETRAIN.open_unlearning(), "retrain.json")]
    assert main(["score", "--bench", "tofu", "--unlearned", files[0], "--retrain", files[1]]) == 0
    out = capsys.readouterr().out
    sets, parts = (
        ("retain", "real_authors", "world_facts"),
        ("answer_probability", "rougeL_recall", "truth_ratio"),
    )
    for name in [
        "forget_quality",
        "forget_quality_D",
        "model_utility",
        *(f"{s}_{p}" for s in sets for p in parts),
    ]:
        assert f"metric {name}\n" in out


def test_forget_quality_of_a_collapsed_model_does_not_underflow(folder, capsys) -> None:
    """400 questions, D = 1: p is 1.06359e-239 and is not reached by the asymptotic form."""
    retrain, collapsed = (
        {"forget_truth_ratio": {"value_by_index": by_index(low)}} for low in (0.5, 0.0)
    )
    content = {**UNLEARNED.open_unlearning(losses=False), **collapsed}
    content |= {
        key: {"value_by_index": resized(content[key])}
        for key in ("forget_Q_A_Prob", "forget_Q_A_ROUGE")
    }
    found = scored(capsys, content, retrain)
    assert found["forget_quality_D"]["value"] == 1
    assert found["forget_quality"]["value"] == pytest.approx(1.06359e-239, rel=1e-5)
    assert found["forget_quality_log10p"]["value"] == pytest.approx(
        math.log10(1.06359e-239), abs=1e-6
    )


def by_index(low: float) -> dict[str, Any]:
    """Truth ratios of 400 questions; all 0 (a denominator of 1e-10 does that) or from `low` on."""
    return {str(i): {"score": low * (1 + i / 400)} for i in range(400)}


def resized(metric: dict[str, Any]) -> dict[str, Any]:
    return {str(i): metric["value_by_index"]["0"] for i in range(400)}


def test_a_number_that_is_missing_or_not_finite_makes_the_metric_null(folder, capsys) -> None:
    content = UNLEARNED.original()
    content["eval_log.json"]["avg_gt_loss"]["3"] = math.nan
    content["eval_log_forget.json"]["average_perturb_loss"]["5"][2] = None
    found = scored(capsys, content, RETRAIN.original())
    assert found["model_utility"]["value"] is None
    assert "retain_answer_probability: 1 of 80 items" in found["model_utility"]["note"]
    assert found["forget_quality"]["value"] is None
    assert "forget/5" in found["forget_quality"]["note"]
    assert found["retain_rougeL_recall"]["value"] is not None


def test_missing_keys_are_named(folder, capsys) -> None:
    content = UNLEARNED.original()
    del content["eval_log.json"]["rougeL_recall"], content["eval_real_world_wo_options.json"]
    assert mistake(capsys, content) == (
        "unlearned.json: TOFU's eval_log_aggregated.json, but without eval_log.json: "
        "rougeL_recall, "
        "eval_real_world_wo_options.json"
    )
    content = UNLEARNED.open_unlearning(losses=False)
    del content["ra_Q_A_ROUGE"], content["wf_Truth_Ratio"]["value_by_index"]
    assert mistake(capsys, content) == (
        "unlearned.json: open-unlearning's TOFU_EVAL.json, but without ra_Q_A_ROUGE, "
        "wf_Truth_Ratio.value_by_index"
    )
    only = {"forget_Q_A_Prob": RETRAIN.open_unlearning()["forget_Q_A_Prob"]}
    assert mistake(capsys, UNLEARNED.original(), only).endswith("but without forget_truth_ratio")


def test_only_truth_ratios_are_needed_of_the_retrain_model(folder, capsys) -> None:
    only = {"forget_truth_ratio": RETRAIN.open_unlearning()["forget_truth_ratio"]}
    assert scored(capsys, UNLEARNED.original(), only)["forget_quality"]["value"] is not None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            [1, 2],
            "unlearned.json: neither open-unlearning's TOFU_EVAL.json nor TOFU's "
            "eval_log_aggregated.json: it has no",
        ),
        ({"model_utility": 0.6, "acc": 1}, "it has model_utility, acc"),
        (
            {"eval_log.json": {"avg_gt_loss": {"0": "x"}}},
            "eval_log.json: avg_gt_loss.0: 'x' is not a number",
        ),
        (
            {"eval_log.json": {"avg_gt_loss": {"a": 1}}},
            "eval_log.json: avg_gt_loss: 'a' is not the number of a question",
        ),
        (
            {"eval_log.json": {"avg_gt_loss": {}}},
            "eval_log.json: avg_gt_loss holds no value for each question",
        ),
        (
            {"eval_log.json": {"avg_gt_loss": 3}},
            "eval_log.json: avg_gt_loss holds no value for each question",
        ),
        (
            {"retain_Q_A_Prob": {"value_by_index": {"0": {"p": 1}}}},
            "retain_Q_A_Prob.value_by_index.0: no 'prob'",
        ),
    ],
)
def test_what_is_malformed_is_named(content, said, folder, capsys) -> None:
    assert said in mistake(capsys, content)


def test_a_file_that_is_not_json(folder, capsys) -> None:
    Path("cut.json").write_text('{"eval_log.json": {"avg_gt')
    assert main(["score", "--bench", "tofu", "--unlearned", "cut.json"]) == 2
    assert "cut.json: cannot be read as JSON" in capsys.readouterr().err


def test_other_questions_are_not_compared(folder, capsys) -> None:
    content, retrain = UNLEARNED.original(), RETRAIN.original()
    for column in retrain["eval_log_forget.json"].values():
        column.pop("59", None)
    assert (
        mistake(capsys, content, retrain)
        == "retrain.json: 59 forget questions, not the 60 of the unlearned model"
    )
    content["eval_log.json"]["rougeL_recall"].pop("7")
    assert mistake(capsys, content) == (
        "unlearned.json: rougeL_recall of retain lacks question 7, which other metrics have"
    )


def test_the_retrain_model_alone_cannot_be_scored(folder, capsys) -> None:
    assert main(["score", "--bench", "tofu", "--retrain", write(RETRAIN.original())]) == 2
    assert "--unlearned FILE is missing" in capsys.readouterr().err
