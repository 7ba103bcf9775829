"""Reward against KL: what a run's points are worth, alone and beside the other runs'.

    reward  1 |      . o----
              |   o--'     |            every evaluation of a run is one point (KL, reward)
            0 +------------+  KL limit

    hypervolume    area under the staircase of the run's points, as a share of the box's area
    front_share    share of this run's points among those that no other point dominates

A point dominates another if its reward is at least as high and its KL at least as low, and one of
them better. Every run begins at the starting model (KL 0): its point belongs to every staircase,
and it dominates points without a gain in reward.
"""

from __future__ import annotations

from collections.abc import Sequence

from suite import CellResult, Frontier, Metric, MetricColumn, Tradeoff, Trajectory

Point = tuple[float, float]
"""KL in nats, mean reward."""
DIRECTIONS = (-1, 1)
PICTURES = (
    Tradeoff(),
    Frontier(
        "kl",
        "reward",
        x_label="KL(policy || reference), nats per sequence",
        y_label="ground-truth reward",
        caption=(
            "Reward against KL to the reference, with one point for each run and evaluation step. "
            "Dashed: the front, the points with more reward than any other point of the same or "
            "smaller KL."
        ),
    ),
    Trajectory(),
)
"""What the report draws."""
COLUMNS = (
    MetricColumn(
        "reward",
        help="the mean ground-truth reward of continuations; 1 is surely positive.",
    ),
    MetricColumn(
        "kl",
        help="KL(policy || reference), nats per sequence: how far the model left the reference.",
    ),
    MetricColumn(
        "hypervolume",
        help="the area of (KL, reward) points that the run's evaluations dominate, as a share.",
    ),
    MetricColumn(
        "front_share",
        help="the share of the run's evaluations that no other evaluation in the table dominates.",
    ),
)
"""What the headline metrics are."""


def points(cell: CellResult) -> list[Point]:
    """Every evaluation of a cell that has both numbers."""
    final = {metric.name: metric.value for metric in cell.metrics}
    measured = [point.metrics for point in cell.trajectory] or [final]
    found: list[Point] = []
    for values in measured:
        kl, reward = values.get("kl"), values.get("reward")
        if kl is not None and reward is not None:
            found.append((kl, reward))
    return found


def compared(cells: Sequence[CellResult], kl_limit: float) -> list[list[Metric]]:
    """Hypervolume and share of the front, of every cell."""
    of_cells = [points(cell) for cell in cells]
    is_start = [cell.family == "baseline" for cell in cells]
    start: list[Point] = []
    for own, first in zip(of_cells, is_start, strict=True):
        if first:
            start += own
    front = _front(of_cells, is_start)
    compared_cells: list[list[Metric]] = []
    for number, own in enumerate(of_cells):
        if own:
            area = _hypervolume([*start, *own], kl_limit)
            compared_cells.append([area, _share(number, front, is_start[number])])
        else:
            compared_cells.append(_unknown())
    return compared_cells


def _front(of_cells: Sequence[Sequence[Point]], is_start: Sequence[bool]) -> list[int]:
    """The methods' points that nothing dominates: for each one, the number of its cell."""
    from suite import stats

    numbers: list[int] = []
    all_points: list[Point] = []
    for number, own in enumerate(of_cells):
        numbers += [number] * len(own)
        all_points += own
    if not all_points:
        return []
    best = stats.pareto(all_points, DIRECTIONS)
    kept = [number for number, on_front in zip(numbers, best, strict=True) if on_front]
    return [number for number in kept if not is_start[number]]


def _unknown() -> list[Metric]:
    """Both metrics of a cell that has no point."""
    note = "no evaluation has both KL and reward"
    return [
        Metric("hypervolume", None, True, note=note),
        Metric("front_share", None, None, note=note),
    ]


def _hypervolume(own: Sequence[Point], kl_limit: float) -> Metric:
    """Area that the points dominate within the box, over the box's area."""
    from suite import stats

    area = stats.hypervolume(own, (kl_limit, 0.0), DIRECTIONS) / kl_limit
    note = f"of the box KL 0 to {kl_limit:g} nats, reward 0 to 1; with the starting model's point"
    return Metric("hypervolume", area, True, n=len(own), note=note)


def _share(number: int, front: Sequence[int], is_start: bool) -> Metric:
    """Share of the methods' points on the front."""
    if is_start or not front:
        note = "where every run begins" if is_start else "no point of a method is on the front"
        return Metric("front_share", None, None, note=note)
    share = front.count(number) / len(front)
    return Metric("front_share", share, None, n=len(front), note="of the runs of this table")
