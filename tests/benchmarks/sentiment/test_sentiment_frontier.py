"""Points, dominance and hypervolume of runs."""

from __future__ import annotations

import pytest
from suite_benchmarks.sentiment.frontier import compared, points

from suite import Metric
from suite.api.cells import Cell, CellResult, TrajectoryPoint


def run(method: str, *given: tuple[float | None, float], family: str = "alignment") -> CellResult:
    def named(point: tuple[float | None, float]) -> dict[str, float | None]:
        return {"kl": point[0], "reward": point[1]}

    final = tuple(
        Metric(name, value, None, note="none") for name, value in named(given[-1]).items()
    )
    course = tuple(TrajectoryPoint(i + 1.0, i + 1, named(point)) for i, point in enumerate(given))
    cell = Cell(method, "sentiment", "default", "m", 0)
    return CellResult(cell, "ok", family, final, trajectory=course if len(course) > 1 else ())


START = run("reference", (0.0, 0.5), family="baseline")


def values(*cells: CellResult, kl_limit: float = 10.0) -> list[dict[str, float | None]]:
    return [{m.name: m.value for m in metrics} for metrics in compared(cells, kl_limit)]


def test_hypervolume_of_a_staircase_by_hand() -> None:
    start, dpo = values(START, run("dpo", (2.0, 0.8), (5.0, 0.9)))
    assert start["hypervolume"] == pytest.approx(0.5)
    assert dpo["hypervolume"] == pytest.approx((10 * 0.5 + 8 * 0.3 + 5 * 0.1) / 10)


def test_points_beyond_the_box_or_dominated_add_nothing() -> None:
    plain, more = values(
        START, run("a", (2.0, 0.8)), run("b", (2.0, 0.8), (3.0, 0.7), (12.0, 1.0))
    )[1:]
    assert plain["hypervolume"] == pytest.approx(more["hypervolume"])


def test_shares_of_the_front_sum_to_one_without_the_start() -> None:
    start, a, b, c = values(
        START, run("a", (1.0, 0.7), (3.0, 0.9)), run("b", (2.0, 0.8)), run("c", (2.5, 0.6))
    )
    assert start["front_share"] is None
    assert (a["front_share"], b["front_share"], c["front_share"]) == (
        pytest.approx(2 / 3),
        pytest.approx(1 / 3),
        0,
    )


def test_a_point_no_better_than_the_start_is_not_on_the_front() -> None:
    assert values(START, run("a", (1.0, 0.4)))[1]["front_share"] is None


def test_a_run_without_kl_has_neither_number_and_stops_nobody() -> None:
    _, few_shot, dpo = compared([START, run("few_shot", (None, 0.9)), run("dpo", (1.0, 0.8))], 10.0)
    assert [m.value for m in few_shot] == [None, None]
    assert few_shot[0].note == "no evaluation has both KL and reward"
    assert dpo[1].value == 1


def test_points_are_the_course_or_else_the_end() -> None:
    assert points(run("a", (1.0, 0.5), (2.0, 0.6))) == [(1.0, 0.5), (2.0, 0.6)]
    assert points(START) == [(0.0, 0.5)]
