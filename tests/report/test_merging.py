"""Several runs joined: what is kept, what is compared anew, and what is refused in which words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.api.scores import Basis, Metric
from suite.cli import main
from suite.compare.hypervolume import of_front
from suite.core.errors import UserError
from suite.report import merge, separate
from suite.report.differences import metrics_apart
from suite.report.provenance import provenance
from suite.report.table import tables
from suite.report.told import named, shown
from suite.results.evidence import Evidence
from suite.results.samples import Sample
from suite.results.schema import Results


def changed(results: Results, method: str, seed: int, **fields: object) -> Results:
    cells = [
        replace(r, **fields) if (r.cell.method, r.cell.seed) == (method, seed) else r
        for r in results.cells
    ]
    return replace(results, cells=tuple(cells))


def told(results: Results, methods: dict[str, Any] | None = None, **fields: Any) -> Results:
    """A run whose table has other fields, and settings that name `methods`."""
    known = {"finetune.epochs": 5, "tofu.retain_authors": None}
    settings = {**known, **fields.pop("settings", {})}
    table = results.comparisons[0]
    table = replace(table, settings=settings, methods=methods or {}, **fields)
    return replace(results, comparisons=(table,))


def refusal(*runs: Results) -> str:
    with pytest.raises(UserError) as error:
        merge(runs, names=("a", "b"))
    return str(error.value)


def test_merge_joins_methods_and_keeps_shared_cells_once(results: Results) -> None:
    a = replace(results, cells=results.cells[:4])
    b = replace(results, cells=results.cells[:2] + results.cells[4:])
    assert merge([a, b]) == results
    assert merge([results, results]) == results
    older = replace(results, comparisons=(replace(results.comparisons[0], outputs=None),))
    assert merge([older, results]) == results  # what an older file does not declare


def test_merged_runs_are_compared_anew(results: Results, samples: dict[str, list[Sample]]) -> None:
    reference = {"forget_quality": 0.0, "model_utility": 0.0}
    basis = {"forget_quality": Basis((("forget", "log_truth_ratio"),), "ks")}
    known = replace(
        results.comparisons[0], evidence=Evidence(0), reference_point=reference, basis=basis
    )
    first = replace(
        results, comparisons=(known,), cells=results.cells[:4]
    )  # target, retrain, npo_rt
    second = replace(
        results, comparisons=(known,), cells=(*results.cells[:2], *results.cells[4:6])
    )  # npo
    assert merge([first, first], samples).comparisons[0] == known
    joined = merge([first, second], samples).comparisons[0]
    assert joined.evidence is not None and joined.evidence.family == 1
    assert {(d.metric, d.method, d.other) for d in joined.evidence.differences} == {
        ("forget_quality", "npo", "npo_rt")
    }
    assert joined.front_hypervolume == of_front(known, [*first.cells, *second.cells])
    assert (
        merge([first, second]).comparisons[0].evidence is None
    )  # no answers, nothing to compare by


def test_merge_keeps_what_each_run_says_of_its_cells(results: Results) -> None:
    elsewhere = {"cpus": 2, "device": "cuda", "system": "Linux", "machine": "x86_64"}
    other = replace(
        results, cells=tuple(replace(r, environment=elsewhere) for r in results.cells[:4])
    )
    joined = merge([results, other])
    assert [r.trajectory for r in joined.cells] == [r.trajectory for r in results.cells]
    note = "two environments gave the same result: 2 | Linux x86_64, 2, cuda"
    assert joined.cells[3].notes[-1] == note
    assert dict(provenance(merge([other, results])))["Machines"] == "Linux x86_64, 2, cuda | 2"
    richer = changed(
        results, "npo", 0, metrics=(*results.cells[4].metrics, Metric("hypervolume", 0.2, True))
    )
    assert merge([results, richer]).cells[4] == richer.cells[4]  # a newer version reports more
    assert merge([richer, results]).cells[4] == richer.cells[4]


def test_merge_shows_what_differs(results: Results) -> None:
    b = replace(results, run=replace(results.run, engine="vllm", command="suite run --engine vllm"))
    run = merge([results, b]).run
    assert run.engine == "hf | vllm"
    assert any("engine (hf | vllm)" in note for note in run.notes)
    assert run.command.splitlines() == [results.run.command, "suite run --engine vllm"]


def test_separate_names_the_run_of_another_result(results: Results) -> None:
    other = changed(results, "npo", 0, metrics=(Metric("model_utility", 0.1, True),))
    joined = merge(separate([results, other, results], ["a", "b", "c"]))
    extra = [result for result in joined.cells if result not in results.cells]
    assert [result.cell.method for result in extra] == ["npo @ b"]
    assert extra[0].metrics[0].value == 0.1
    assert separate([results, results], ["a", "b"]) == [results, results]


@pytest.mark.parametrize("field", ["revision", "judge", "baseline"])
def test_separate_gives_what_cannot_be_compared_a_table_of_its_own(
    results: Results, field: str
) -> None:
    comparison = replace(results.comparisons[0], **{field: "another"})
    other = replace(results, comparisons=(comparison, *results.comparisons[1:]))
    joined = merge(separate([results, other], ["a", "b"]))
    first, second = (
        joined.comparisons[0],
        next(c for c in joined.comparisons if c.split.endswith(" @ b")),
    )
    assert (first, getattr(second, field)) == (results.comparisons[0], "another")
    assert (
        second.notes[0].startswith("Not comparable with the table tofu forget05 tiny: ")
        and "another in b" in second.notes[0]
    )
    moved = [result for result in joined.cells if result.cell.split == second.split]
    assert [r.cell.method for r in moved] == [
        r.cell.method
        for r in results.cells
        if (r.cell.benchmark, r.cell.split, r.cell.model) == first.key
    ]
    assert {row.method for table in tables(joined) for row in table.rows} == {
        r.cell.method for r in results.cells
    }


def test_a_refusal_names_the_setting_and_both_values(results: Results) -> None:
    """Never two digests: they say nothing to a reader."""
    first = told(results, revision="generated world@0123456789ab")
    data = told(
        results, revision="generated world@ba9876543210", settings={"tofu.retain_authors": 4}
    )
    said = refusal(first, data)
    assert "tofu forget05 tiny: a and b cannot be joined" in said
    assert "different data: tofu.retain_authors is not set in a and 4 in b" in said
    moved = told(results, revision="tofu@ba9876543210")
    assert "their source is generated world in a and tofu in b" in refusal(first, moved)
    same = told(results, revision="generated world@ba9876543210")
    assert "whose content has changed between the runs" in refusal(first, same)
    for other in (data, moved, same):
        assert "0123456789ab" not in refusal(first, other)
        assert "ba9876543210" not in refusal(first, other)


def test_a_refusal_of_start_models_names_how_they_are_trained(results: Results) -> None:
    first = told(results)
    other = told(results, baseline_key="5c1f00", settings={"finetune.epochs": 12})
    said = refusal(first, other)
    assert "different retrain models: finetune.epochs is 5 in a and 12 in b" in said
    assert "3f9a0c" not in said and "5c1f00" not in said
    files = told(results, baseline_key="5c1f00", sources={"model": "00"})
    known = told(results, sources={"model": "11"})
    assert "the files of model tiny have changed between the runs" in refusal(known, files)


def test_older_runs_are_told_apart_by_what_they_were_told(results: Results) -> None:
    """Published pages hold the configuration of their run, and no settings of each table."""
    config = {"finetune": {"epochs": 5, "lr": 8e-4}, "sections": {"finetune": {"epochs": 5}}}
    first = replace(results, run=replace(results.run, config=config))
    newer = {"finetune": {"epochs": 12, "lr": 8e-4, "rounding": "stochastic"}}
    second = told(replace(results, run=replace(results.run, config=newer)), baseline_key="5c1f00")
    said = refusal(first, second)
    assert "finetune.epochs is 5 in a and 12 in b" in said
    assert "lr" not in said and "rounding" not in said


def test_code_that_changed_no_number_of_the_start_models_joins(results: Results) -> None:
    later = told(results, baseline_key="5c1f00")
    joined = merge([told(results), later], names=("a", "b"))
    assert "The code of a and b differs" in joined.comparisons[0].notes[-1]
    slightly = Metric("model_utility", 0.6100001, True)
    other = changed(later, "retrain", 0, metrics=(slightly,))
    said = refusal(told(results), other)
    assert "no recorded setting differs; model_utility of retrain is 0.610 in a" in said
    older = replace(other.run, versions={**other.run.versions, "torch": "2.9.0"})
    assert "torch is 2.13.0 in a and 2.9.0 in b" in refusal(
        told(results), replace(other, run=older)
    )


def test_two_results_of_a_cell_name_the_setting_of_the_method(results: Results) -> None:
    first = told(results, {"npo": {"npo.beta": 0.1, "train.lr": 1e-5}})
    second = told(results, {"npo": {"npo.beta": 0.5, "train.lr": 1e-5}})
    second = changed(second, "npo", 0, metrics=(Metric("model_utility", 0.1, True),))
    said = refusal(first, second)
    assert "npo on tofu forget05, tiny, seed 0: a and b hold different results" in said
    assert "npo.beta is 0.1 in a and 0.5 in b" in said
    assert "write it into the method, npo:beta=0.5;" in said
    same = changed(first, "npo", 0, metrics=(Metric("model_utility", 0.1, True),))
    assert "no recorded setting differs; model_utility of npo is 0.310 in a" in refusal(first, same)
    with pytest.raises(UserError, match="nothing to compare"):
        merge([])


def test_start_seeds_join_unless_rows_need_all_of_them(results: Results) -> None:
    elsewhere = tuple(replace(r, cell=replace(r.cell, start_seed=1)) for r in results.cells[:3])
    run = replace(results.run, start_seeds=(1,))
    other = replace(told(results, baseline_key="5c1f00"), cells=elsewhere, run=run)
    joined = merge([told(results), other])
    assert joined.comparisons[0].baseline_key == "3f9a0c, 5c1f00"
    assert joined.run.start_seeds == (0, 1)
    every = replace(other.comparisons[0], compares_every_start=True)
    said = refusal(told(results), replace(other, comparisons=(every,)))
    assert "start_seeds is 0 in a and 1 in b, and every row is compared with the retrain" in said


def test_another_smallest_difference_is_said(results: Results) -> None:
    first = told(results, smallest_difference={"model_utility": 0.01})
    second = told(results, smallest_difference={"model_utility": 0.02})
    joined = merge([first, second], names=("a", "b")).comparisons[0]
    assert joined.smallest_difference == {"model_utility": 0.01}
    assert joined.notes[-1].startswith(
        "smallest_difference is model_utility=0.01 in a and model_utility=0.02 in b"
    )


def test_values_are_shown_as_a_user_writes_them() -> None:
    values = [None, [], True, [0, 1], 1e-5, "tiny"]
    assert [shown(value) for value in values] == [
        "not set",
        "not set",
        "true",
        "0,1",
        "1e-05",
        "tiny",
    ]
    wanted = named("model", "finetune.")
    names = ("model", "finetune.lr", "model_x", "finetune")
    assert [wanted(name) for name in names] == [True, True, False, False]


def test_the_first_metric_that_differs(results: Results) -> None:
    first, second = results.cells[:2]
    assert metrics_apart(first, first) is None
    assert metrics_apart(first, second) == "forget_quality"
    assert metrics_apart(first, replace(second, metrics=())) == ""


def run(out: Path, bench: str, methods: str, *more: str) -> Path:
    """A small run, trained for real."""
    command = ["run", "--bench", bench, "--methods", methods, "--out", str(out), *more]
    assert main([*command, "--store", str(out.parent / "store")]) == 0
    return out


def test_small_runs_join_or_say_which_setting_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = run(tmp_path / "a", "bandit", "dpo", "--set", "bandit.steps=40")
    b = run(tmp_path / "b", "bandit", "ipo", "--set", "bandit.steps=40")
    assert main(["report", str(a), str(b), "--out", str(tmp_path / "both")]) == 0
    joined = json.loads((tmp_path / "both" / "results.json").read_text())
    assert {cell["cell"]["method"] for cell in joined["cells"]} == {"dpo", "ipo"}
    table = joined["comparisons"][0]
    assert table["settings"]["bandit.steps"] == 40
    assert table["methods"]["dpo"]["dpo.beta"] == 0.1 and set(table["methods"]) == {"dpo", "ipo"}
    c = run(tmp_path / "c", "bandit", "dpo", "--set", "bandit.steps=50")
    capsys.readouterr()
    assert main(["report", str(a), str(c), "--out", str(tmp_path / "other")]) == 2
    said = capsys.readouterr().err
    assert "bandit.steps is 40 in a and 50 in c" in said and said.count("\n") == 1
