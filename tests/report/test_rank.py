"""Ranks: the Pareto layers, against their definition and by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.report.rank import balance, dominates, ranks

POINTS = st.integers(1, 3).flatmap(
    lambda size: st.lists(
        st.tuples(*[st.integers(0, 4).map(float)] * size), min_size=1, max_size=12
    )
)


def places(points: list[tuple[float, ...]]) -> list[int]:
    return [rank.place for rank in ranks(points)]


def test_a_collapsed_model_is_not_crowned() -> None:
    # (log10 forget quality, model utility): balanced, forgets well but collapsed, worse at both,
    # remembers all
    points = [(-0.4, 0.57), (-0.1, 0.0), (-3.0, 0.3), (-20.0, 0.62)]
    found = ranks(points)
    assert [rank.place for rank in found] == [1, 1, 2, 1]
    assert [rank.front for rank in found] == [True, True, False, True]
    assert [rank.text for rank in found] == ["1–3", "1–4", "2–4", "1–4"]
    assert balance(points) == [2, 4, 3, 4]  # read in this order: balanced first


def test_one_metric_is_competition_ranking() -> None:
    assert places([(3.0,), (1.0,), (3.0,), (2.0,)]) == [1, 4, 1, 3]


def test_equal_rows_tie() -> None:
    found = ranks([(1.0, 2.0), (1.0, 2.0), (0.0, 0.0)])
    assert [(r.place, r.last, r.tied) for r in found] == [(1, 2, True), (1, 2, True), (3, 3, False)]


@pytest.mark.parametrize(
    ("a", "b", "better"), [((1, 1), (1, 1), False), ((1, 2), (1, 1), True), ((2, 0), (1, 1), False)]
)
def test_dominance(a: tuple[float, ...], b: tuple[float, ...], better: bool) -> None:
    assert dominates(a, b) is better


@given(POINTS)
def test_front_and_order_follow_the_definition(points: list[tuple[float, ...]]) -> None:
    found = ranks(points)
    for i, point in enumerate(points):
        beaten = any(dominates(other, point) for other in points)
        assert found[i].front is (not beaten)
        assert (found[i].place == 1) is (not beaten)
        above = [other for other in points if dominates(other, point)]
        below = [other for other in points if dominates(point, other)]
        assert (found[i].place, found[i].last) == (1 + len(above), len(points) - len(below))
        for j, other in enumerate(points):
            if dominates(other, point):
                assert found[j].place < found[i].place
                assert balance(points)[j] <= balance(points)[i]


@given(POINTS, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(points: list[tuple[float, ...]], random: object) -> None:
    order = list(range(len(points)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert places([points[i] for i in order]) == [places(points)[i] for i in order]


@given(POINTS, st.integers(0, 2**32))
def test_only_real_differences_part(points: list[tuple[float, ...]], bits: int) -> None:
    def real(i: int, j: int) -> bool:
        i, j = sorted((i, j))
        return bits >> (i * 5 + j * 3) % 32 & 1 == 1

    found = ranks(points, real)
    assert ranks(points, lambda i, j: True) == ranks(points)
    assert {(r.place, r.last) for r in ranks(points, lambda i, j: False)} == {(1, len(points))}
    for i, point in enumerate(points):
        better = [j for j, other in enumerate(points) if dominates(other, point)]
        assert found[i].place == 1 + sum(real(j, i) for j in better)
        assert found[i].front is (not better)
