"""Reward against KL: what a run's points are worth, alone and beside the other runs'.

    reward  1 |      . o----            every evaluation of a run is one point (KL, reward);
              |   o--'     |            hypervolume: area under its staircase, over all of the box's area
            0 +------------+  KL limit  front_share: how many of the points that nothing dominates are this run's

A point dominates another if its reward is at least as high and its KL at least as low, and one of
them better. The starting model (KL 0) is where every run begins: its point belongs to every
staircase, and it dominates what has gained nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from suite import CellResult, Metric

Point = tuple[float, float]
"""KL in nats, mean reward."""
DIRECTIONS = (-1, 1)


def points(cell: CellResult) -> list[Point]:
    """Every evaluation of a cell that has both numbers."""
    final = {metric.name: metric.value for metric in cell.metrics}
    measured = [point.metrics for point in cell.trajectory] or [final]
    both = [(m.get("kl"), m.get("reward")) for m in measured]
    return [(kl, reward) for kl, reward in both if kl is not None and reward is not None]


def compared(cells: Sequence[CellResult], kl_limit: float) -> list[list[Metric]]:
    """Hypervolume and share of the front, of every cell."""
    from suite import stats

    of_cells = [points(cell) for cell in cells]
    is_start = [cell.family == "baseline" for cell in cells]
    start = [point for own, first in zip(of_cells, is_start, strict=True) if first for point in own]
    flat = [(number, point) for number, own in enumerate(of_cells) for point in own]
    best = list(stats.pareto([point for _, point in flat], DIRECTIONS)) if flat else []
    front = [
        number
        for (number, _), kept in zip(flat, best, strict=True)
        if kept and not is_start[number]
    ]
    return [
        [_hypervolume([*start, *own], kl_limit), _share(number, front, is_start[number])]
        if own
        else _unknown()
        for number, own in enumerate(of_cells)
    ]


def _unknown() -> list[Metric]:
    note = "no evaluation has both KL and reward"
    return [
        Metric("hypervolume", None, True, note=note),
        Metric("front_share", None, None, note=note),
    ]


def _hypervolume(own: Sequence[Point], kl_limit: float) -> Metric:
    from suite import stats

    area = stats.hypervolume(own, (kl_limit, 0.0), DIRECTIONS) / kl_limit
    note = f"of the box KL 0 to {kl_limit:g} nats, reward 0 to 1; with the starting model's point"
    return Metric("hypervolume", area, True, n=len(own), note=note)


def _share(number: int, front: Sequence[int], is_start: bool) -> Metric:
    """Share of the methods' points on the front."""
    if is_start or not front:
        note = "where every run begins" if is_start else "no point of a method is on the front"
        return Metric("front_share", None, None, note=note)
    return Metric(
        "front_share",
        front.count(number) / len(front),
        None,
        n=len(front),
        note="of the runs of this table",
    )
