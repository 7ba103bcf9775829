"""Names beside points: none covers another, however close the points are."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from suite.report.pictures.labels import write_names
from suite.report.pictures.plot import figure_of

PLACES = st.tuples(st.floats(0, 1), st.floats(0, 1))


@settings(max_examples=8, deadline=None)
@given(st.lists(PLACES, min_size=1, max_size=20))
def test_names_do_not_overlap(points: list[tuple[float, float]]) -> None:
    figure, axes = figure_of()
    axes.plot(*zip(*points, strict=True), "o")
    axes.set(xlim=(-0.1, 1.1), ylim=(-0.1, 1.1))
    write_names(axes, [f"method_{i}" for i in range(len(points))], points)
    figure.draw_without_rendering()
    # The text alone: an annotation's own extent holds its line too.
    extents = [Text.get_window_extent(text) for text in axes.texts]
    assert len(extents) == len(points)
    for one, other in combinations(extents, 2):
        assert not one.overlaps(other)
    frame = axes.get_window_extent().padded(1)
    assert all(frame.contains(*box.min) and frame.contains(*box.max) for box in extents)
