"""How much of a trade-off is reached: the hypervolume above a benchmark's fixed reference point.

    utility |---o npo_rt         of a method: the box between its final checkpoint and the reference point
            |   |---o npo        of all ranked methods together: what their boxes cover
            +---+---+--> p

No interval is made where a metric is a p-value (see `suite.stats.ks`): several seeds show their range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suite.api.cells import CellResult
from suite.api.scores import Metric
from suite.results.schema import Comparison

NAME = "hypervolume"


def of_cell(reference: Mapping[str, float], result: CellResult) -> Metric:
    """The hypervolume of a finished cell; without a value, and with the reason, where a metric has none."""
    metrics = {metric.name: metric for metric in result.metrics}
    if lacking := [n for n in reference if n not in metrics or metrics[n].value is None]:
        return Metric(NAME, None, True, note=f"no {lacking[0]}")
    first = metrics[next(iter(reference))]
    corner = ", ".join(f"{name} {value:g}" for name, value in reference.items())
    volume = _volume([_sides(reference, result)])
    return Metric(NAME, volume, True, "", first.n, first.n_clusters, note=f"above {corner}")


def of_front(comparison: Comparison, results: Sequence[CellResult]) -> tuple[float, ...]:
    """What all methods that can be ranked reach together, once for each seed that all of them have."""
    reference = comparison.reference_point
    cells = [
        r
        for r in results
        if reference and r.family != "baseline" and r.cell.table == comparison.key
    ]
    unranked = {
        r.cell.method
        for r in cells
        if r.status != "ok" or r.partial or of_cell(reference, r).value is None
    }
    ranked = [r for r in cells if r.cell.method not in unranked]
    if not ranked:
        return ()
    seeds = [
        {r.cell.seed for r in ranked if r.cell.method == method}
        for method in {r.cell.method for r in ranked}
    ]
    shared = sorted(set.intersection(*seeds))
    return tuple(
        _volume([_sides(reference, r) for r in ranked if r.cell.seed == seed]) for seed in shared
    )


def _sides(reference: Mapping[str, float], result: CellResult) -> list[float]:
    """How far each metric is on the better side of the reference point."""
    metrics = {metric.name: metric for metric in result.metrics}
    signs = [1 if metrics[name].higher_is_better else -1 for name in reference]
    values = [metrics[name].value or 0.0 for name in reference]
    return [
        sign * (value - corner)
        for sign, value, corner in zip(signs, values, reference.values(), strict=True)
    ]


def _volume(boxes: Sequence[Sequence[float]]) -> float:
    from suite import stats

    return stats.hypervolume(boxes, [0.0] * len(boxes[0]), [1] * len(boxes[0]))
