"""How much of a trade-off is reached: the hypervolume above a benchmark's fixed reference point.

    utility |---o npo_rt    a method's: the box between its final checkpoint and the reference point
            |   |---o npo   of all ranked methods together: what their boxes cover
            +---+---+--> p

No interval is made where a metric is a p-value (see `suite.stats.ks`): several seeds show their
range.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from suite.api.cells import CellResult
from suite.api.scores import Metric
from suite.results.schema import Comparison

NAME = "hypervolume"


def of_cell(reference: Mapping[str, float], result: CellResult) -> Metric:
    """The hypervolume of a finished cell; None, with the reason, where a metric has no value."""
    metrics = _by_name(result)
    for name in reference:
        if name not in metrics or metrics[name].value is None:
            return Metric(NAME, None, True, note=f"no {name}")
    first = metrics[next(iter(reference))]
    corner = ", ".join(f"{name} {value:g}" for name, value in reference.items())
    volume = _volume(_sides(reference, result))
    return Metric(NAME, volume, True, "", first.n, first.n_clusters, note=f"above {corner}")


def of_front(comparison: Comparison, results: Sequence[CellResult]) -> tuple[float, ...]:
    """What all ranked methods reach together, once for each seed that all of them have.

    A method is ranked if all its cells are finished and complete and have a hypervolume. With
    several seeds the others choose which method counts where: the best of several numbers of one
    seed is partly luck, and the union of boxes is made of the best.
    """
    reference = comparison.reference_point
    if not reference:
        return ()
    methods: dict[str, list[CellResult]] = {}
    for result in results:
        if result.cell.table == comparison.key and result.family != "baseline":
            methods.setdefault(result.cell.method, []).append(result)
    boxes: dict[tuple[int, int], list[list[float]]] = {}
    runs: dict[str, set[tuple[int, int]]] = {}
    for method, cells in methods.items():
        if not all(_has_volume(reference, result) for result in cells):
            continue
        for result in cells:
            run = result.cell.run
            boxes.setdefault(run, []).append(_sides(reference, result))
            runs.setdefault(method, set()).add(run)
    if not runs:
        return ()
    shared = set.intersection(*runs.values())
    return tuple(_volumes([boxes[run] for run in sorted(shared)]))


def _by_name(result: CellResult) -> dict[str, Metric]:
    return {metric.name: metric for metric in result.metrics}


def _has_volume(reference: Mapping[str, float], result: CellResult) -> bool:
    complete = result.status == "ok" and not result.partial
    return complete and of_cell(reference, result).value is not None


def _sides(reference: Mapping[str, float], result: CellResult) -> list[float]:
    """How far each metric is on the better side of the reference point."""
    metrics = _by_name(result)
    sides = []
    for name, corner in reference.items():
        metric = metrics[name]
        sign = 1 if metric.higher_is_better else -1
        sides.append(sign * ((metric.value or 0.0) - corner))
    return sides


def _volumes(runs: Sequence[Sequence[Sequence[float]]]) -> Iterator[float]:
    """What the boxes of each run cover together, as the mean of the other runs chooses them."""
    import numpy as np

    from suite import stats

    for place, boxes in enumerate(runs):
        corner, directions = [0.0] * len(boxes[0]), [1] * len(boxes[0])
        others = [other for index, other in enumerate(runs) if index != place]
        chosen_by = np.mean(others, axis=0) if others else boxes
        yield stats.hypervolume_without_luck(boxes, chosen_by, corner, directions)


def _volume(box: Sequence[float]) -> float:
    """Volume of one box; nothing where a side is not beyond the reference point."""
    return math.prod(max(side, 0.0) for side in box)
