"""Evidence from item scores:
what is real, what is chance, what is left out, and that seeds widen what they should.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.api.cells import Cell, CellResult
from suite.api.scores import Basis, ItemScore, Metric
from suite.compare.parts import Scored
from suite.compare.stage import compare, from_samples
from suite.results.evidence import Evidence
from suite.results.samples import Sample
from suite.results.schema import Comparison
from suite.stats import cluster_bootstrap, ks_two_sample
from suite.stats.crossed import crossed_spread

AUTHORS, EACH = 12, 5
CLUSTERS = [f"author/{i // EACH}" for i in range(AUTHORS * EACH)]
DIFFICULTY = np.random.default_rng(0).normal(0, 0.3, AUTHORS * EACH)
BENCH: Any = SimpleNamespace(
    primary=("retain_recall", "forget_quality"),
    baseline="retrain",
    reference_point={"forget_quality": 0.0, "retain_recall": 0.0},
    basis={"forget_quality": Basis((("forget", "ratio"),), "ks")},
    smallest_difference={},
    runs_are_drawn=True,
    compares_every_start=False,
)


def scored(
    recall: float, shift: float, seed: int, spread: float = 0.0, run: tuple[int, int] = (0, 0)
) -> Scored:
    rng = np.random.default_rng([seed, int(1000 * recall)])
    recalls = (
        recall + 0.2 * DIFFICULTY + rng.normal(0, 0.02, len(CLUSTERS)) + spread * (seed % 7 - 1)
    )
    ratios = DIFFICULTY + shift + rng.normal(0, 0.05, len(CLUSTERS))
    tables = {("retain", "recall"): recalls, ("forget", "ratio"): ratios}
    items = {
        (name, metric): [
            ItemScore(metric, name, f"{name}/{i}", cluster, float(value))
            for i, (cluster, value) in enumerate(zip(CLUSTERS, table, strict=True))
        ]
        for (name, metric), table in tables.items()
    }
    metrics = (
        Metric("retain_recall", float(recalls.mean()), True),
        Metric("forget_quality", 0.5, True, "p-value"),
    )
    return Scored({metric.name: metric for metric in metrics}, items, *run)


STARTS = {"retrain": [scored(0.61, 0.0, 9)]}


def values(row: Scored, key: tuple[str, str]) -> list[float]:
    return [item.value or 0.0 for item in row.items[key]]


def evidence(
    methods: Mapping[str, Sequence[Scored]], starts: Mapping[str, Sequence[Scored]] = STARTS
) -> Evidence:
    return compare(BENCH, methods, starts, BENCH.primary)


def test_what_is_better_and_what_is_chance() -> None:
    methods = {
        "good": [scored(0.7, 0.0, s, run=(0, s)) for s in (1, 11, 21)],
        "same": [scored(0.701, 0.01, s, run=(0, s)) for s in (2, 12, 22)],
        "bad": [scored(0.4, 2.0, s, run=(0, s)) for s in (3, 13, 23)],
    }
    found = evidence(methods)
    assert (found.starts, found.seeds, found.claims, found.untested) == (1, 3, True, ())
    assert found.family == 6 == len(found.differences)
    assert (
        found.real("good", "bad") and found.real("bad", "same") and not found.real("good", "same")
    )
    by = {(s.metric, s.method): s for s in found.standings}
    assert {m: by["retain_recall", m].tier for m in methods} == {"good": 1, "same": 1, "bad": 3}
    assert by["forget_quality", "bad"].p_best == 0 and by["forget_quality", "bad"].rank_low == 3
    assert sum(by["retain_recall", m].p_best for m in methods) == pytest.approx(1)
    assert found.overall["bad"].p_front == 0 and found.overall["good"].p_front > 0.3
    ratios = [values(row[0], ("forget", "ratio")) for row in (methods["bad"], STARTS["retrain"])]
    assert by["forget_quality", "bad"].value == pytest.approx(ks_two_sample(*ratios).statistic)
    assert by["forget_quality", "bad"].ci_low is None  # not bootstrapped


def test_differences_are_the_paired_ones() -> None:
    methods = {"a": [scored(0.65, 0.0, 1)], "b": [scored(0.64, 0.0, 2)]}
    any_size = SimpleNamespace(**{**vars(BENCH), "smallest_difference": {"retain_recall": 0.0}})
    found = compare(any_size, methods, STARTS, BENCH.primary)  # type: ignore[arg-type]
    first = next(d for d in found.differences if d.metric == "retain_recall")
    a, b = (np.array(values(methods[m][0], ("retain", "recall"))) for m in "ab")
    known = cluster_bootstrap(a - b, CLUSTERS, n_resamples=20_000)
    by_author = (a - b).reshape(AUTHORS, EACH).sum(axis=1)
    flipped = np.array(list(itertools.product((1, -1), repeat=AUTHORS))) @ by_author
    assert first.value == pytest.approx(known.value)
    assert (first.ci_low, first.ci_high) == pytest.approx((known.low, known.high), abs=2e-3)
    as_extreme = np.abs(flipped) >= abs(by_author.sum()) - 1e-9
    assert first.pvalue == pytest.approx(as_extreme.mean(), abs=0.02)
    assert (first.n, first.n_clusters) == (AUTHORS * EACH, AUTHORS)
    base = next(d for d in found.to_baseline if d.method == "a")
    assert base.adjusted is None and base.ci_low > 0


def test_seeds_that_differ_make_a_difference_uncertain() -> None:
    def run(spread: float) -> tuple[Evidence, dict[str, list[Scored]]]:
        methods = {
            "a": [scored(0.7, 0.0, s, spread, (0, s)) for s in range(3)],
            "b": [scored(0.6, 0.0, 9 - s, spread, (0, s)) for s in range(3)],
        }
        return evidence(methods), methods

    steady, methods = run(0.0)
    (first,) = [d for d in steady.differences if d.metric == "retain_recall"]
    assert first.ci_low > 0 and first.adjusted < 0.05
    own = next(s for s in steady.standings if (s.metric, s.method) == ("retain_recall", "a"))
    table = np.array([values(row, ("retain", "recall")) for row in methods["a"]])
    by_author = table.reshape(3, AUTHORS, EACH).mean(axis=2)
    spread = crossed_spread((by_author - table.mean())[None], 1.0, 0.95)
    half = spread.quantile * spread.se
    assert (own.ci_low, own.ci_high) == pytest.approx(
        (table.mean() - half, table.mean() + half), abs=5e-3
    )
    shaky = run(0.3)[0].differences
    (first,) = [d for d in shaky if d.metric == "retain_recall"]
    assert first.ci_low < 0 < first.ci_high and first.adjusted > 0.05


def test_what_cannot_be_compared_is_said() -> None:
    other = scored(0.5, 0.0, 3)
    wrong = Scored(
        {**other.metrics, "retain_recall": Metric("retain_recall", 0.9, True)}, other.items
    )
    found = evidence({"a": [scored(0.7, 0.0, 1)], "b": [wrong]})
    # The only one that is left is not first: it was compared with nobody.
    assert {s.metric for s in found.standings} == {"forget_quality"} and not found.overall
    assert (
        "retain_recall: b was not compared: its item scores give another value than it reported."
        in found.notes
    )
    assert "retain_recall: no comparison by items: only a has its item scores" in found.notes
    assert found.untested == ("retain_recall",) and not found.real("a", "b")
    found = evidence({"a": [scored(0.7, 0.0, 1)]}, {})
    assert any("no baseline model" in note for note in found.notes)
    assert found.family == 0


def kept(method: str, seed: int, row: Scored) -> tuple[CellResult, list[Sample]]:
    """A cell as results.json and samples/ keep it."""
    cell = Cell(method, "bench", "split", "model", seed)
    family = "baseline" if method == "retrain" else "unlearning"
    samples = [
        Sample(name, item.item_id, "?", "!", "...", {metric: item.value}, item.cluster_id)
        for (name, metric), items in row.items.items()
        for item in items
    ]
    return CellResult(cell, "ok", family, tuple(row.metrics.values())), samples


def from_kept(rows: Mapping[str, Sequence[Scored]], *, without: str = "") -> Evidence | None:
    comparison = Comparison(
        "bench", "split", "model", BENCH.primary, "", BENCH.baseline, basis=BENCH.basis
    )
    pairs = [
        kept(method, seed, row) for method, seeds in rows.items() for seed, row in enumerate(seeds)
    ]
    samples = {cell.cell.slug: rows for cell, rows in pairs if cell.cell.method != without}
    return from_samples(comparison, [cell for cell, _ in pairs], samples)


def test_answers_of_several_runs_give_the_evidence_of_one() -> None:
    methods = {
        "a": [scored(0.65, 0.0, 1), scored(0.66, 0.1, 4, run=(0, 1))],
        "b": [scored(0.5, 0.4, 2), scored(0.51, 0.3, 5, run=(0, 1))],
    }
    assert from_kept({**STARTS, **methods}) == evidence(methods)
    less = from_kept({**STARTS, **methods}, without="b")
    assert less is not None and less.notes == (
        "Not compared item by item, because their answers are not kept: b.",
    )
    methods["b"].pop()
    uneven = from_kept({**STARTS, **methods})
    assert uneven is not None and uneven.notes[0].endswith("their seeds differ: a 0, 1; b 0.")
    assert from_kept(STARTS) is None


def test_a_distance_must_follow_from_the_answers() -> None:
    row = scored(0.65, 0.0, 1)
    told = Scored(
        {**row.metrics, "forget_quality_D": Metric("forget_quality_D", 0.9, False)}, row.items
    )
    assert (
        "forget_quality: a was not compared: "
        "its item scores give another value than it reported." in evidence({"a": [told]}).notes
    )


def test_one_run_parts_no_methods() -> None:
    """How much another training run would differ is not known."""
    methods = {"a": [scored(0.7, 0.0, 1)], "b": [scored(0.2, 3.0, 2)]}
    found = evidence(methods)
    assert not found.claims and not found.real("a", "b")
    assert {s.tier for s in found.standings} == {1}
    assert all(d.adjusted is not None and d.adjusted < 0.05 for d in found.differences)
    fixed = SimpleNamespace(**{**vars(BENCH), "runs_are_drawn": False})
    assert compare(fixed, methods, STARTS, BENCH.primary).real("a", "b")  # type: ignore[arg-type]


def test_a_difference_of_nothing_is_none() -> None:
    """Methods that differ by 2e-5 in every answer, in every run."""
    methods = {}
    for name, more in (("a", 0.0), ("b", 2e-5), ("c", 4e-5)):
        rows = [scored(0.6, 0.0, s, run=(0, s)) for s in range(3)]
        methods[name] = [moved(row, more) for row in rows]
    found = evidence(methods)
    assert {d.pvalue for d in found.differences if d.metric == "retain_recall"} == {1.0}
    assert {s.rank_high - s.rank_low for s in found.standings} == {2}
    assert found.of_interest["forget_quality"] == 0.05


def moved(row: Scored, more: float) -> Scored:
    """The same scores of `recall`, each larger by the same amount."""
    key = ("retain", "recall")
    items = [replace(item, value=(item.value or 0.0) + more) for item in row.items[key]]
    metric = row.metrics["retain_recall"]
    metrics = {**row.metrics, "retain_recall": replace(metric, value=(metric.value or 0.0) + more)}
    return replace(row, metrics=metrics, items={**row.items, key: items})


def test_start_models_are_crossed_with_seeds() -> None:
    """What a start model does to all of its runs is no difference that new ones would show."""
    effect = {0: 0.2, 1: -0.05}
    methods = {
        name: [
            scored(
                0.6 + (effect[start] if name == "a" else 0.0),
                0.0,
                7 * s + 50 * start,
                0,
                (start, s),
            )
            for start in (0, 1)
            for s in range(4)
        ]
        for name in ("a", "b")
    }
    starts = {"retrain": [scored(0.61, 0.0, 9, run=(s, 0)) for s in (0, 1)]}
    found = evidence(methods, starts)
    assert (found.starts, found.seeds) == (2, 4)
    (first,) = [d for d in found.differences if d.metric == "retain_recall"]
    assert first.value == pytest.approx(0.075, abs=0.02)
    assert first.pvalue is not None and first.pvalue > 0.3
    assert first.ci_low < 0 < first.ci_high


def test_an_item_without_a_score_does_not_remove_the_metric() -> None:
    row, other = scored(0.65, 0.0, 1), scored(0.6, 0.0, 2)
    key = ("retain", "recall")
    rest = list(row.items[key])
    rest[3] = replace(rest[3], value=None, note="no answer")
    mean = float(np.mean([item.value for item in rest if item.value is not None]))
    metrics = {**row.metrics, "retain_recall": Metric("retain_recall", mean, True)}
    found = evidence({"a": [Scored(metrics, {**row.items, key: rest})], "b": [other]})
    assert {s.method for s in found.standings if s.metric == "retain_recall"} == {"a", "b"}
    (first,) = [d for d in found.differences if d.metric == "retain_recall"]
    assert first.n == AUTHORS * EACH - 1
    assert any(
        note.startswith("retain_recall: 1 of 60 items of retain/recall") for note in found.notes
    )


def test_ranks_on_all_metrics_need_a_test_on_each() -> None:
    """b has no scores of one metric: on it c and a are compared, b is parted from nobody."""
    runs = [(0, s) for s in range(3)]
    methods = {
        "a": [scored(0.8, 0.0, s[1], run=s) for s in runs],
        "b": [without(scored(0.3, 3.0, 20 + s[1], run=s)) for s in runs],
        "c": [scored(0.3, 3.0, 40 + s[1], run=s) for s in runs],
    }
    found = evidence(methods)
    assert found.real("a", "c") and not found.real("a", "b")
    assert any("b was not compared" in note for note in found.notes)
    assert set(found.overall) == {"a", "c"}
    assert (found.overall["a"].rank_high, found.overall["c"].rank_low) == (1, 2)


def without(row: Scored) -> Scored:
    """A row without its scores of `recall`."""
    items = {key: value for key, value in row.items.items() if key[1] != "recall"}
    return replace(row, items=items)


def test_too_few_clusters_are_warned_of() -> None:
    """Two authors: no difference could be found, however large."""

    def few(row: Scored) -> Scored:
        items = {}
        for key, scores in row.items.items():
            items[key] = [
                replace(item, cluster_id=f"author/{i % 2}") for i, item in enumerate(scores)
            ]
        return replace(row, items=items)

    methods = {name: [few(scored(recall, 0.0, 1))] for name, recall in (("a", 0.8), ("b", 0.1))}
    found = evidence(methods, {"retrain": [few(STARTS["retrain"][0])]})
    warned = [note for note in found.notes if "no difference could be found" in note]
    assert len(warned) == 2 and "with 2 clusters" in warned[0]


def cell_result(method: str, family: str, seed: int, row: Scored) -> tuple[CellResult, Any]:
    cell = Cell(method, "bench", "default", "model", seed)
    metrics = tuple(row.metrics.values())
    samples = []
    for i, cluster in enumerate(CLUSTERS):
        for (name, metric), table in row.items.items():
            score = {metric: table[i].value}
            samples.append(Sample(name, f"{name}/{i}", "q", "a", "g", score, cluster_id=cluster))
    return CellResult(cell, "ok", family, metrics=metrics), samples


def finished_evidence(*rows: tuple[str, str, int, Scored]) -> Evidence:
    made = [cell_result(*row) for row in rows]
    comparison = Comparison(
        "bench",
        "default",
        "model",
        BENCH.primary,
        "data",
        baseline="retrain",
        basis=BENCH.basis,
    )
    found = from_samples(
        comparison, [result for result, _ in made], {r.cell.slug: kept for r, kept in made}
    )
    assert found is not None
    return found


def test_a_finished_model_is_the_same_in_every_run_of_the_methods() -> None:
    rows = [("npo", "unlearning", seed, scored(0.7, 0.0, seed)) for seed in (1, 2, 3)]
    theirs = ("theirs", "finished", 0, scored(0.4, 2.0, 9))
    retrain = ("retrain", "baseline", 0, scored(0.61, 0.0, 9))
    found = finished_evidence(*rows, theirs, retrain)
    assert (found.seeds, found.claims) == (3, True)
    assert {standing.method for standing in found.standings} == {"npo", "theirs"}
    (difference,) = [d for d in found.differences if d.metric == "retain_recall"]
    assert difference.adjusted is not None
    assert difference.adjusted < 0.05


def test_finished_models_alone_are_parted_by_their_answers() -> None:
    retrain = ("retrain", "baseline", 0, scored(0.61, 0.0, 9))
    good = ("good", "finished", 0, scored(0.7, 0.0, 1))
    bad = ("bad", "finished", 0, scored(0.4, 2.0, 2))
    found = finished_evidence(good, bad, retrain)
    assert found.claims
    tiers = {s.method: s.tier for s in found.standings if s.metric == "retain_recall"}
    assert tiers == {"good": 1, "bad": 2}
    trained = [("npo", "unlearning", 0, scored(0.7, 0.0, 1)), bad]
    assert not finished_evidence(*trained, retrain).claims  # another run of npo might differ
