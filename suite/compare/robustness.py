"""The stage `robustness`: what attacks found in the models of a table: robustness.json.

    score stages of every cell, before and after each attack
        -> excess over the baseline model attacked alike, with joint draws of clusters, seeds and
           start models, as methods are compared

Cost is the share of its utility that the attacked model has lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from suite.api.scores import Basis
from suite.api.stages import builds
from suite.compare.headlines import headline
from suite.compare.parts import LeftOut, Rows, Scored
from suite.compare.stage import read_scores
from suite.results.robustness import Found
from suite.store import Build, jsonable, write_json

if TYPE_CHECKING:
    from suite.compare.number import Headline
    from suite.compare.ranking import Joint


@dataclass(frozen=True)
class Alike:
    """Models attacked alike, of which the baseline model is one."""

    baseline: str | None
    runs_are_drawn: bool = True
    basis: Mapping[str, Basis] = field(default_factory=dict)
    reference_point: Mapping[str, float] = field(default_factory=dict)
    smallest_difference: Mapping[str, float] = field(default_factory=dict)
    compares_every_start: bool = False


@builds("robustness")
def compare_attacked(build: Build, context: object) -> None:
    """Compare what attacks found, for every attack and point of its grid: robustness.json."""
    spec = build.spec
    alike = Alike(spec["baseline"], spec["runs_are_drawn"])
    found: list[Found] = []
    for number, attack in enumerate(spec["attacks"]):
        before = _read(build, spec["rows"], f"{number}/0")
        for place, point in enumerate(attack["points"]):
            after = _read(build, spec["rows"], f"{number}/{place}")
            variant, step = point
            empty = Found(attack["attack"], variant, step, "", attack["metric"], None, None)
            found += _compared(empty, alike, before, after, spec["utility"], attack["changes"])
    write_json(build.out / "robustness.json", [jsonable(asdict(each)) for each in found])


def _read(build: Build, rows: Sequence[tuple[str, int, int]], place: str) -> Rows:
    """Method -> its runs at one point of an attack; none of those that failed."""
    found: dict[str, list[Scored]] = {}
    for number, (method, start, seed) in enumerate(rows):
        runs = found.setdefault(method, [])
        folder = build.inputs.get(f"{place}/{number}")
        if folder is not None:
            runs.append(replace(read_scores(folder), start=start, seed=seed))
    return found


def _compared(
    empty: Found, alike: Alike, before: Rows, after: Rows, utility: str, changes: bool
) -> Iterator[Found]:
    """What one point of an attack found in every row."""
    whole = {row: runs for row, runs in after.items() if len(runs) == len(before[row])}
    drawn = _draw(empty.metric, alike, whole)
    for row, runs in before.items():
        found = replace(empty, method=row, before=mean_of(runs, empty.metric))
        if row not in whole:
            yield replace(found, note="the attack failed")
            continue
        found = replace(found, value=mean_of(whole[row], empty.metric))
        found = _with_cost(found, runs, whole[row], utility, changes)
        yield _with_excess(found, drawn, alike.baseline, whole)


def _draw(metric: str, alike: Alike, rows: Rows) -> tuple[Joint, Headline] | str:
    """Joint draws of a metric of all rows; or why there are none."""
    from suite.compare.ranking import Joint

    notes: list[str] = []
    try:
        known = headline(metric, alike, rows, {}, notes)
    except LeftOut as reason:
        return f"no interval: {reason}"
    joint = Joint([known], sorted(known.models), runs_are_drawn=alike.runs_are_drawn)
    return joint, known


def _with_cost(
    found: Found, before: Sequence[Scored], after: Sequence[Scored], utility: str, changes: bool
) -> Found:
    """Add what the attack cost. A model that no attack changed lost nothing."""
    if not changes:
        return replace(found, cost=0.0)
    had, has = mean_of(before, utility), mean_of(after, utility)
    if had is None or has is None:
        return replace(found, note=_said(found.note, f"no cost: {utility} has no value"))
    return replace(found, cost=(had - has) / had if had > 0 else 0.0)


def _with_excess(
    found: Found, drawn: tuple[Joint, Headline] | str, baseline: str | None, rows: Rows
) -> Found:
    """Add intervals, and the difference to the baseline model."""
    if found.value is None:
        reason = next(iter(rows[found.method][0].metrics[found.metric].note.splitlines()), "")
        return replace(found, note=_said(found.note, reason or "no value"))
    if isinstance(drawn, str) or found.method not in drawn[1].models:
        why = drawn if isinstance(drawn, str) else "no interval: other items were scored"
        return replace(found, note=_said(found.note, why))
    joint, known = drawn
    low, high = joint.limits(known).get(found.method, (None, None))
    found = replace(found, ci_low=low, ci_high=high)
    if baseline is None or baseline not in known.models:
        why = "no excess: there is no baseline model to attack alike"
        return replace(found, note=_said(found.note, why))
    if found.method == baseline:
        return replace(found, excess=0.0)
    difference = joint.difference(known, found.method, baseline)
    return replace(
        found,
        excess=difference.value,
        excess_low=difference.ci_low,
        excess_high=difference.ci_high,
        n=difference.n,
        n_clusters=difference.n_clusters,
        note=_said(found.note, difference.note),
    )


def mean_of(runs: Sequence[Scored], metric: str) -> float | None:
    """Mean over runs; None if a run has no value."""
    values: list[float] = []
    for scored in runs:
        known = scored.metrics.get(metric)
        if known is None or known.value is None:
            return None
        values.append(known.value)
    return fmean(values) if values else None


def _said(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def read_found(content: Any) -> tuple[Found, ...]:
    """Read robustness.json."""
    return tuple(Found(**each) for each in content)
