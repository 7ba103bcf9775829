"""How much of a trade-off is reached: the hypervolume above a benchmark's fixed reference point.

    utility |---o npo_rt    a method's: the box between its final checkpoint and the reference point
            |   |---o npo   of all ranked methods together: what their boxes cover
            +---+---+--> p

No interval is made where a metric is a p-value (see `suite.stats.ks`): several seeds show their
range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    volume = _volume([_sides(reference, result)])
    return Metric(NAME, volume, True, "", first.n, first.n_clusters, note=f"above {corner}")


def of_front(comparison: Comparison, results: Sequence[CellResult]) -> tuple[float, ...]:
    """What all ranked methods reach together, once for each seed that all of them have.

    A method is ranked if all its cells are finished and complete and have a hypervolume.
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
    return tuple(_volume(boxes[run]) for run in sorted(shared))


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


def _volume(boxes: Sequence[Sequence[float]]) -> float:
    """Volume of the union of boxes, each given by the lengths of its sides."""
    from suite import stats

    axes = len(boxes[0])
    return stats.hypervolume(boxes, [0.0] * axes, [1] * axes)
