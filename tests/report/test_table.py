"""The tables: who is ranked, what is marked, what is averaged."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from suite.api.cells import Timing
from suite.api.pictures import MetricColumn
from suite.api.scores import Metric
from suite.compare.hypervolume import of_cell, of_front
from suite.report.columns import columns
from suite.report.footnotes import footnotes
from suite.report.pairs import pairs
from suite.report.table import Row, Table, tables
from suite.results.evidence import Difference, Evidence, Overall, Standing
from suite.results.outputs import Outputs
from suite.results.schema import Results
from suite.results.schema import dumps as results_text
from suite.results.schema import loads as results_read


def table_of(results: Results) -> Table:
    (table,) = tables(results)
    return table


def row_of(results: Results, method: str) -> Row:
    return next(row for row in table_of(results).rows if row.method == method)


def changed(results: Results, method: str, seed: int, **fields: object) -> Results:
    cells = [
        replace(r, **fields) if (r.cell.method, r.cell.seed) == (method, seed) else r
        for r in results.cells
    ]
    return replace(results, cells=tuple(cells))


def test_order_and_ranks(results: Results) -> None:
    rows = table_of(results).rows
    assert [row.method for row in rows] == [
        "retrain",
        "target",
        "npo_rt",
        "npo",
        "grad_diff",
        "ga",
        "npo:beta=0.05",
        "npo:beta=20",
        "simnpo",
    ]
    assert [row.rank.place if row.rank else None for row in rows] == [
        *(None, None),
        *(1, 1, 1, 1),  # nothing was tested, so nothing is parted
        *(None, None, None),
    ]
    assert [row.method for row in table_of(results).front] == ["npo_rt", "npo"]


def test_broken_and_partial_cells_are_marked_and_unranked(results: Results) -> None:
    assert row_of(results, "simnpo").marks == ("failed: RuntimeError: out of memory at step 3",)
    assert row_of(results, "npo:beta=20").state == "diverged"
    partial = row_of(results, "npo:beta=0.05")
    assert (partial.state, partial.rank, partial.marks) == ("partial", None, ())


def test_what_is_partial_is_said_once(results: Results) -> None:
    table = table_of(results)
    said = [note for note in footnotes(table) if note.startswith("Partial")]
    assert said == ["Partial, evaluated on a part of the questions and not ranked: npo:beta=0.05."]
    assert [table.label(row) for row in table.rows[-3:]] == ["partial", "diverged", "failed"]
    table = table_of(
        replace(
            results,
            cells=tuple(replace(r, partial=True) for r in results.cells if r.status == "ok"),
        )
    )
    assert "so nothing is ranked" in "".join(footnotes(table))
    assert [table.label(row) for row in table.rows[:3]] == [
        "baseline",
        "baseline",
        "",
    ]  # no mark on every row


def test_one_diverged_seed_unranks_the_method(results: Results) -> None:
    # a mean over the seeds that survived would flatter the method
    row = row_of(changed(results, "npo_rt", 1, status="diverged", error="loss is nan"), "npo_rt")
    assert row.rank is None
    assert row.marks == ("diverged (seed 1): loss is nan",)
    assert row.values["model_utility"].value == 0.57


def test_a_missing_headline_metric_unranks_with_its_reason(results: Results) -> None:
    kept = Metric("model_utility", 0.6, True)
    for seed in (0, 1):
        gone = Metric("forget_quality", None, True, note="no retrain model")
        results = changed(results, "npo", seed, metrics=(gone, kept))
    row = row_of(results, "npo")
    assert row.rank is None
    assert row.marks == ("no forget_quality: no retrain model",)
    assert row_of(results, "npo_rt").rank is not None


def test_differences_to_the_baseline(results: Results) -> None:
    row = row_of(results, "npo_rt")
    assert row.values["model_utility"].value == pytest.approx((0.57 + 0.57 * 0.98) / 2)
    assert row.deltas["model_utility"].value == pytest.approx(
        row.values["model_utility"].value - 0.61
    )
    assert "forget_quality" not in row.deltas  # p-values are not subtracted
    assert "privleak" not in row.deltas
    assert row_of(results, "target").deltas["model_utility"].value == pytest.approx(0.01)
    assert row_of(results, "retrain").deltas == {}


def test_ties_and_limits_follow_the_evidence(results: Results) -> None:
    row = row_of(results, "npo_rt")
    assert (row.values["model_utility"].spread, row.deltas["model_utility"].low) == (
        "range over seeds",
        None,
    )
    names, metrics = ("ga", "grad_diff", "npo", "npo_rt"), ("forget_quality", "model_utility")
    shown = {("ga", "npo_rt")}  # the only difference that is more than chance
    evidence = Evidence(
        12,
        tuple(Standing(m, n, 0.5, 0.4, 0.6, 1, 0.25, 1, 4) for m in metrics for n in names),
        tuple(
            Difference(m, a, b, 0.1, None, None, 0.01, 0.04 if (a, b) in shown else 0.3, 200, 10)
            for m in metrics
            for a, b in combinations(names, 2)
        ),
        (
            Difference(
                "model_utility", "npo_rt", "retrain", -0.05, -0.08, -0.02, 0.001, None, 600, 120
            ),
        ),
        {n: Overall(0.5, 1, 3) for n in names},
    )
    told = replace(results, comparisons=(replace(results.comparisons[0], evidence=evidence),))
    ranked = {row.method: row.rank for row in table_of(told).rows if row.rank}
    assert {name: rank.place for name, rank in ranked.items()} == {
        "npo_rt": 1,
        "npo": 1,
        "grad_diff": 1,
        "ga": 2,
    }
    assert {name: rank.text for name, rank in ranked.items()} == {
        "npo_rt": "1–3",
        "npo": "1–4",
        "grad_diff": "1–4",
        "ga": "2–4",
    }
    # Where items were compared, a p-value's axis is its KS distance: here the same for all.
    assert [name for name, rank in ranked.items() if rank.front] == ["npo_rt"]
    shown = {
        c.title: c.item(row_of(told, "npo")) for c in columns(table_of(told)) if c.group == "sure"
    }
    assert {title: (item.text, item.detail) for title, item in shown.items()} == {
        "P(front)": ("50 %", ""),
        "P(best) forget_quality": ("25 %", "rank 1–4"),
        "P(best) model_utility": ("25 %", "rank 1–4"),
    }
    compared = {(p.metric, p.method, p.other): p for p in pairs(table_of(told))}
    assert len(compared) == 12
    assert compared["forget_quality (D)", "ga", "npo_rt"].verdict == "real"
    assert compared["model_utility", "ga", "npo"].cells[3:] == (
        "+0.100",
        "0.010",
        "0.300",
        "may be chance",
    )
    row = row_of(told, "npo_rt")
    assert (row.deltas["model_utility"].low, row.deltas["model_utility"].high) == (-0.08, -0.02)
    assert (row.values["model_utility"].low, row.values["model_utility"].spread) == (
        0.4,
        "95 % interval",
    )
    assert (
        row.values["forget_quality"].spread == "range over seeds"
    )  # a p-value is not bootstrapped
    assert results_read(results_text(told)) == told


def test_best_epoch_stands_beside_the_final_one(results: Results) -> None:
    row = row_of(results, "ga")
    best = [r.best for r in row.cells if r.best]
    assert row.best_epochs == ", ".join(dict.fromkeys(f"{b.epoch:g}" for b in best))
    assert row.best["forget_quality"].goodness > row.values["forget_quality"].goodness
    assert row_of(results, "npo:beta=0.05").best == {}


def test_a_benchmark_without_direction_is_not_ranked(results: Results) -> None:
    comparison = replace(results.comparisons[0], primary=("privleak",))
    table = table_of(replace(results, comparisons=(comparison,)))
    assert table.axes == ()
    assert all(row.rank is None for row in table.rows)


def test_p_and_author_p_stand_below_the_distance(results: Results) -> None:
    cells = []
    for r in results.cells:
        author = Metric("forget_quality_author_p", 0.25, True, "p-value", 200, 10)
        cells.append(replace(r, metrics=(*r.metrics, author)) if r.metrics else r)
    table = table_of(replace(results, cells=tuple(cells)))
    column = next(c for c in columns(table) if c.title == "forget_quality (D)")
    assert (column.group, column.arrow) == ("metric", "↓")
    row = next(row for row in table.rows if row.method == "npo")
    distance, p = row.values["forget_quality_D"], row.values["forget_quality"]
    assert (column.item(row).text, column.item(row).sort) == (distance.text, distance.value)
    assert column.item(row).detail == distance.bounds
    assert column.item(row).more == (f"p {p.text} ({p.bounds})", "author p 0.250")
    assert column.item(next(r for r in table.rows if r.method == "simnpo")).more == ()
    explained = "".join(footnotes(table))
    assert "D: the test's statistic" in explained and "Author p: the same test" in explained


def test_a_p_value_without_a_distance_is_shown_itself(results: Results) -> None:
    cells = []
    for r in results.cells:
        kept = [metric for metric in r.metrics if metric.name != "forget_quality_D"]
        cells.append(replace(r, metrics=tuple(kept)))
    table = table_of(replace(results, cells=tuple(cells)))
    assert (table.quantity("forget_quality"), table.heading("forget_quality")) == (
        "forget_quality",
        "forget_quality",
    )
    assert table.direction("forget_quality") == "↑"


def test_a_headline_metric_has_the_declared_title_and_meaning(results: Results) -> None:
    named = MetricColumn("model_utility", "utility", "what is left of the model")
    outputs = Outputs(columns=(named,))
    told = replace(results, comparisons=(replace(results.comparisons[0], outputs=outputs),))
    shown = [(c.title, c.help) for c in columns(table_of(told)) if c.group in ("metric", "more")]
    assert shown == [("forget_quality (D)", ""), ("utility", "what is left of the model")]


def test_a_declared_metric_has_a_column_of_its_own(results: Results) -> None:
    assert "chance" not in {c.title for c in columns(table_of(results))}
    named = MetricColumn("forget_answer_probability", "chance", "of an answer", "Chance: a mean.")
    outputs = Outputs(columns=(named, MetricColumn("absent", note="Absent: no row has it.")))
    told = replace(results, comparisons=(replace(results.comparisons[0], outputs=outputs),))
    shown = columns(table_of(told))
    titles = [column.title for column in shown]
    assert titles.index("chance") == titles.index("model_utility") + 1
    column = shown[titles.index("chance")]
    assert (column.group, column.arrow, column.help) == ("more", "↓", "of an answer")
    row = row_of(told, "npo")
    assert column.item(row).text == row.values["forget_answer_probability"].text
    assert column.item(row_of(told, "simnpo")).text == "–"
    notes = footnotes(table_of(told))
    assert "Chance: a mean." in notes
    assert not any("absent" in note.lower() for note in notes)
    assert "D" not in "".join(column.item(row).more)  # declared no longer


def test_hypervolume_is_a_column_with_its_limits_or_its_range(results: Results) -> None:
    assert "hypervolume" not in {c.title for c in columns(table_of(results))}
    reference = {"forget_quality": 0.0, "model_utility": 0.0}
    comparison = replace(results.comparisons[0], reference_point=reference)
    cells = [
        replace(r, metrics=(*r.metrics, of_cell(reference, r))) if r.metrics else r
        for r in results.cells
    ]
    whole = replace(comparison, front_hypervolume=of_front(comparison, cells))
    told = replace(results, comparisons=(whole,), cells=tuple(cells))
    row = row_of(told, "npo_rt")
    seeds = [r.metrics[0].value * r.metrics[1].value for r in row.cells]
    value = row.values["hypervolume"]
    assert (value.low, value.high, value.spread) == (min(seeds), max(seeds), "range over seeds")
    assert value.value == pytest.approx(sum(seeds) / 2)
    volume = table_of(told).front_volume
    assert volume is not None and volume.value >= value.value
    assert any(
        f"All ranked methods together cover {volume.text}" in note
        for note in footnotes(table_of(told))
    )
    limits = replace(whole, evidence=Evidence(0, hypervolume={"npo_rt": (0.1, 0.2)}))
    known = row_of(replace(told, comparisons=(limits,)), "npo_rt").values["hypervolume"]
    assert (known.low, known.high, known.spread) == (0.1, 0.2, "95 % interval")


def test_what_training_cost_is_a_column(results: Results) -> None:
    assert not [
        c.title
        for c in columns(table_of(results))
        if c.title in ("CPU time", "Tokens", "Memory", "GPU time")
    ]
    for seed in (0, 1):
        spent = Timing(3.0, False, 5.0 + 2 * seed, 0.0, 12_000, (3 + seed) * 2**30)
        results = changed(results, "npo", seed, timings={"train": spent})
    row = row_of(results, "npo")
    shown = {c.title: c.item(row).text for c in columns(table_of(results)) if c.group == "time"}
    assert shown == {
        "Training": "3.0 s",
        "CPU time": "6.0 s",
        "Tokens": "12 k",
        "Memory": "4.00 GiB",
    }  # no GPU: no column
