"""Hypervolume of cells and of the front, by hand; its interval from item scores."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.api.cells import Cell, CellResult
from suite.api.scores import ItemScore, Metric
from suite.compare import hypervolume as volume
from suite.compare.parts import Scored
from suite.compare.stage import compare
from suite.results.schema import Comparison

REFERENCE = {"quality": 0.0, "harm": 1.0}


def cell(
    method: str, quality: float | None, harm: float | None, seed: int = 0, **other: Any
) -> CellResult:
    metrics = (
        Metric(
            "quality",
            quality,
            True,
            n=40,
            n_clusters=10,
            note="" if quality is not None else "no judge",
        ),
        Metric("harm", harm, False, note="" if harm is not None else "no judge"),
    )
    family = other.pop("family", "unlearning")
    return CellResult(
        Cell(method, "b", "s", "m", seed), other.pop("status", "ok"), family, metrics, **other
    )


def front(*cells: CellResult) -> tuple[float, ...]:
    return volume.of_front(Comparison("b", "s", "m", (), "", reference_point=REFERENCE), cells)


def test_a_cell_fills_the_box_to_the_reference_point() -> None:
    found = volume.of_cell(REFERENCE, cell("a", 0.5, 0.2))
    assert found.value == pytest.approx(0.5 * 0.8)
    assert (found.name, found.higher_is_better, found.n, found.n_clusters) == (
        "hypervolume",
        True,
        40,
        10,
    )
    assert found.note == "above quality 0, harm 1"
    assert (
        volume.of_cell(REFERENCE, cell("a", 0.5, 1.5)).value == 0.0
    )  # worse than the reference point
    missing = volume.of_cell(REFERENCE, cell("a", 0.5, None))
    assert (missing.value, missing.note) == (None, "no harm")


def test_the_front_counts_what_boxes_share_once() -> None:
    a, b = cell("a", 0.8, 0.5), cell("b", 0.4, 0.0)
    assert front(a, b) == (pytest.approx(0.8 * 0.5 + 0.4 * 0.5),)
    assert front(a, b, cell("dominated", 0.3, 0.6)) == front(a, b)
    assert front(a, cell("start", 1.0, 0.0, family="baseline")) == front(a)
    assert front(a, cell("part", 1.0, 0.0, partial=True), cell("gone", None, 0.0)) == front(a)
    assert front(
        a, cell("b", 0.9, 0.1), cell("b", 1.0, 0.0, 1, status="diverged", error="nan")
    ) == front(a)
    assert front(cell("only", 1.0, 0.0, partial=True)) == ()
    assert volume.of_front(Comparison("b", "s", "m", (), ""), [a, b]) == ()  # no reference point


def test_the_front_is_known_for_seeds_that_all_methods_have() -> None:
    found = front(
        cell("a", 0.5, 0.5), cell("a", 0.6, 0.5, 1), cell("b", 0.1, 0.9, 1), cell("b", 0.1, 0.9, 2)
    )
    assert found == (pytest.approx(0.3),)


def test_with_several_seeds_the_others_choose_who_counts() -> None:
    """Two methods that swap their luck: each seed alone would count the lucky one."""
    found = front(
        cell("a", 0.9, 0.0), cell("b", 0.5, 0.0), cell("a", 0.5, 0.0, 1), cell("b", 0.9, 0.0, 1)
    )
    assert found == (pytest.approx(0.5), pytest.approx(0.5))
    assert front(cell("a", 0.9, 0.0), cell("b", 0.5, 0.0)) == (pytest.approx(0.9),)


def scored(quality: float, harm: float, seed: int) -> Scored:
    rng = np.random.default_rng(seed)
    clusters = [f"author/{i // 4}" for i in range(80)]
    tables = {"quality": quality + rng.normal(0, 0.1, 80), "harm": harm + rng.normal(0, 0.1, 80)}
    items = {
        ("all", name): [
            ItemScore(name, "all", str(i), where, float(value))
            for i, (where, value) in enumerate(zip(clusters, table, strict=True))
        ]
        for name, table in tables.items()
    }
    metrics = {
        name: Metric(name, float(table.mean()), name == "quality") for name, table in tables.items()
    }
    return Scored(metrics, items)


def test_limits_come_from_joint_draws_of_all_its_metrics() -> None:
    declared: Any = SimpleNamespace(
        baseline=None,
        basis={},
        reference_point=REFERENCE,
        smallest_difference={},
        runs_are_drawn=True,
    )
    row = scored(0.5, 0.2, 1)
    found = compare(declared, {"a": [row], "b": [scored(0.4, 0.3, 2)]}, {}, ("quality", "harm"))
    low, high = found.hypervolume["a"]
    q, h = row.metrics["quality"].value or 0.0, row.metrics["harm"].value or 0.0
    # the delta method: d(q (1 - h)) = (1 - h) dq - q dh
    quality = np.array([item.value or 0.0 for item in row.items["all", "quality"]])
    harm = np.array([item.value or 0.0 for item in row.items["all", "harm"]])
    moved = ((1 - h) * (quality - q) - q * (harm - h)).reshape(20, 4).mean(axis=1)
    half = 2.093 * moved.std(ddof=1) / 20**0.5  # t at 19 degrees of freedom
    assert (low, high) == pytest.approx((q * (1 - h) - half, q * (1 - h) + half), abs=0.25 * half)
    declared.reference_point = {}
    assert compare(declared, {"a": [row]}, {}, ("quality", "harm")).hypervolume == {}
