"""Which pictures a table has, and that they show its numbers."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from suite.api.cells import TrajectoryPoint
from suite.api.scores import Metric
from suite.report.displacement import displacement
from suite.report.frontier import front, frontier
from suite.report.table import Table, tables
from suite.report.trajectories import trajectories
from suite.results.schema import Results


def table_of(results: Results) -> Table:
    (table,) = tables(results)
    return table


def measured(results: Results, **values: float) -> Results:
    """The same cells with other metrics, rising over three epochs."""
    metrics = tuple(Metric(name, value, None, n=50) for name, value in values.items())
    course = tuple(
        TrajectoryPoint(e, 7 * e, {n: v * e / 3 for n, v in values.items()}) for e in (1, 2, 3)
    )
    cells = [
        replace(r, metrics=metrics, trajectory=course) if r.status == "ok" else r
        for r in results.cells
    ]
    return replace(results, cells=tuple(cells))


@given(
    st.lists(
        st.tuples(st.integers(0, 6).map(float), st.integers(0, 6).map(float)),
        min_size=1,
        max_size=20,
    )
)
def test_the_front_is_what_nothing_dominates(points: list[tuple[float, float]]) -> None:
    def beaten(kl: float, reward: float) -> bool:
        return any(k <= kl and r >= reward and (k, r) != (kl, reward) for k, r in points)

    assert front(points) == sorted({point for point in points if not beaten(*point)})


def test_a_frontier_needs_reward_and_kl(results: Results) -> None:
    assert list(frontier(table_of(results), "t1")) == []
    (picture,) = frontier(table_of(measured(results, kl=3.0, reward=0.8)), "t1")
    assert "<svg" in picture.svg and "Reward against KL" in picture.caption
    assert list(frontier(table_of(measured(results, reward=0.8)), "t1")) == []


def test_displacement_has_bars_for_each_bucket(results: Results) -> None:
    assert list(displacement(table_of(results), "t1")) == []
    table = table_of(measured(results, displaced_low=0.5, displaced_medium=0.2, displaced_high=0.0))
    (picture,) = displacement(table, "t1")
    first = len([row for row in table.methods if row.values])
    assert (
        picture.svg.count('fill="#3a6fb5"') >= 3
    )  # three bars of the first method, one in the legend
    assert first > 1 and "<script" not in picture.svg


def test_trajectories_of_each_headline_metric(results: Results) -> None:
    found = list(trajectories(table_of(results), "t1"))
    assert [picture.caption.split(" after")[0] for picture in found] == [
        "Forget quality",
        "Model utility",
    ]
    assert all("Dotted: the retrain model" in picture.caption for picture in found)
    assert [p.svg for p in found] == [
        p.svg for p in trajectories(table_of(results), "t1")
    ]  # the same bytes
