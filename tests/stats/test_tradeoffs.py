"""Harmonic mean, dominance, hypervolume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hmean

from suite.stats import harmonic_means, hypervolume, pareto

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
