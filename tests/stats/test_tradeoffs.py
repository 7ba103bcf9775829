"""Harmonic mean, dominance, hypervolume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hmean

from suite.stats import harmonic_means, hypervolume, hypervolume_without_luck, pareto

coordinates = st.integers(0, 6).map(float)


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=9))
def test_harmonic_mean_is_scipys(parts: list[float]) -> None:
    arrays = {str(k): np.array([part]) for k, part in enumerate(parts)}
    assert harmonic_means(arrays) == pytest.approx([hmean(parts)])


def test_harmonic_mean_edges() -> None:
    assert harmonic_means({"a": np.array([1.0, 0.0]), "b": np.array([0.5, 0.5])}) == pytest.approx(
        [2 / 3, 0]
    )
    with pytest.raises(ValueError, match="not negative"):
        harmonic_means({"a": np.array([0.5]), "b": np.array([-0.1])})


@given(st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=12))
def test_pareto_by_pairs(points: list[tuple[float, ...]]) -> None:
    def better(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        """Is a at least as good everywhere, and not equal (the second objective is a cost)?"""
        return a != b and a[0] >= b[0] and a[1] <= b[1] and a[2] >= b[2]

    expected = [not any(better(other, point) for other in points) for point in points]
    assert pareto(points, (1, -1, 1)).tolist() == expected


def test_hypervolume_in_two_dimensions() -> None:
    """Rewards 1, 2, 3 at KL 1, 2, 4 against the corner (0, 5): three rectangles."""
    assert hypervolume([[1, 1], [2, 2], [3, 4]], [0, 5], (1, -1)) == pytest.approx(4 + 3 + 1)
    assert hypervolume([[-1, 1], [2, 6]], [0, 5], (1, -1)) == 0.0


@settings(max_examples=40)
@given(
    st.integers(1, 4).flatmap(
        lambda k: st.lists(st.tuples(*[coordinates] * k), min_size=1, max_size=6)
    )
)
def test_hypervolume_counts_unit_cubes(points: list[tuple[float, ...]]) -> None:
    """With integer coordinates the dominated volume is the number of unit cubes below some
    point."""
    k = len(points[0])
    corners = np.stack(np.meshgrid(*[np.arange(6)] * k, indexing="ij"), axis=-1).reshape(-1, k)
    covered = (corners[:, None, :] < np.array(points)[None]).all(axis=2).any(axis=1).sum()
    assert hypervolume(points, np.zeros(k), [1] * k) == pytest.approx(covered)
    assert hypervolume(-np.array(points), np.zeros(k), [-1] * k) == pytest.approx(covered)


def test_points_are_checked() -> None:
    with pytest.raises(ValueError, match="2 objectives"):
        pareto([[1.0, 2.0, 3.0]], (1, 1))
    with pytest.raises(ValueError, match="directions"):
        pareto([[1.0, 2.0]], (1, 0))
    with pytest.raises(ValueError, match="finite"):
        pareto([[1.0, float("nan")]], (1, 1))


@given(st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=9))
def test_points_that_choose_for_themselves_cover_their_union(
    points: list[tuple[float, ...]],
) -> None:
    own = hypervolume_without_luck(points, points, np.zeros(3), [1] * 3)
    assert own == pytest.approx(hypervolume(points, np.zeros(3), [1] * 3))


def test_the_choice_says_which_point_counts_and_the_points_how_much() -> None:
    """The chooser has a above b: a strip of height .9 - .4 with a's width, then b's width."""
    points, chosen_by = [[0.3, 0.9], [0.8, 0.4]], [[0.2, 0.8], [0.7, 0.5]]
    found = hypervolume_without_luck(points, chosen_by, [0, 0], (1, 1))
    assert found == pytest.approx((0.9 - 0.4) * 0.3 + 0.4 * 0.8)
    assert hypervolume_without_luck([[0.3], [0.8]], [[0.5], [0.4]], [0], (1,)) == 0.3


@pytest.mark.parametrize("objectives", [2, 3])
def test_the_union_of_noisy_boxes_is_not_too_large(objectives: int) -> None:
    """Eight equal methods with errors of sd .1: their boxes cover .6^K, plain unions far more."""
    rng = np.random.default_rng(0)
    truth = np.full((8, objectives), 0.6)
    corner, directions = np.zeros(objectives), [1] * objectives
    plain, corrected = [], []
    for _ in range(400):
        points, chosen_by = truth + rng.normal(0, 0.1, (2, *truth.shape))
        plain.append(hypervolume(points, corner, directions))
        corrected.append(hypervolume_without_luck(points, chosen_by, corner, directions))
    covered = 0.6**objectives
    error = np.std(corrected) / 400**0.5
    assert np.mean(plain) > 1.3 * covered
    assert abs(np.mean(corrected) - covered) < 3 * error


def test_a_real_front_is_not_overstated_and_little_is_lost() -> None:
    """Methods along a front of .53: two measurements lose a little, more lose less."""
    rng = np.random.default_rng(0)
    truth = np.column_stack([np.linspace(0.2, 0.9, 8), np.linspace(0.9, 0.2, 8)])
    covered = hypervolume(truth, [0, 0], (1, 1))
    means = []
    for others in (1, 4):
        found = []
        for _ in range(400):
            points = truth + rng.normal(0, 0.1, truth.shape)
            chosen_by = truth + rng.normal(0, 0.1 / others**0.5, truth.shape)
            found.append(hypervolume_without_luck(points, chosen_by, [0, 0], (1, 1)))
        means.append(np.mean(found))
    assert 0.85 * covered < means[0] < means[1] < covered
