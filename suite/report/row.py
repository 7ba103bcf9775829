"""A row of a leaderboard: one method, with the means over its seeds.

build_row(comparison, metrics, cells)    the row of a method, from its cells (one for each seed)
subtract_baseline(row, base)             adds the differences from the baseline model
add_evidence(row, evidence)              adds the intervals and how sure the rank is
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from suite.api.cells import CellResult, Timing
from suite.api.scores import Metric
from suite.compare.hypervolume import NAME as HYPERVOLUME
from suite.report.rank import Rank
from suite.report.values import Value, by_name, distance_of, mean_of, value_of, with_limits
from suite.results.evidence import Evidence, Overall, Standing
from suite.results.schema import Comparison


@dataclass(frozen=True)
class Row:
    """A method in a table."""

    method: str
    family: str
    cells: tuple[CellResult, ...]
    """One for each start seed and seed."""
    values: dict[str, Value]
    """Metric -> value at the final checkpoint."""
    best: dict[str, Value]
    """Metric -> value at the best epoch; empty if there is none."""
    deltas: dict[str, Value]
    """Metric -> difference from the baseline model, with an interval if items were compared."""
    marks: tuple[str, ...]
    """The reasons why the row is not ranked, other than being partial."""
    rank: Rank | None = None
    overall: Overall | None = None
    """How sure the rank is."""
    standings: dict[str, Standing] = field(default_factory=dict)
    """Headline metric -> how sure the rank on this metric alone is."""

    @property
    def is_baseline(self) -> bool:
        """Whether it is shown for comparison only."""
        return self.family == "baseline"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that were run."""
        return tuple(sorted({result.cell.seed for result in self.cells}))

    @property
    def start_seeds(self) -> tuple[int, ...]:
        """The seeds of its start models."""
        return tuple(sorted({result.cell.start_seed for result in self.cells}))

    @property
    def state(self) -> str:
        """One word: ok, baseline, partial, diverged, failed."""
        # One seed that did not finish marks the row: the mean over the others would flatter it.
        statuses = {result.status for result in self.cells}
        for status in ("failed", "diverged"):
            if status in statuses:
                return status
        if any(result.partial for result in self.cells):
            return "partial"
        return "baseline" if self.is_baseline else "ok"

    @property
    def best_epochs(self) -> str:
        """Which epoch was best: one for each seed, or one for all if they agree."""
        epochs = [f"{result.best.epoch:g}" for result in self.cells if result.best]
        return epochs[0] if len(set(epochs)) == 1 else ", ".join(epochs)

    @property
    def train_seconds(self) -> float | None:
        """Training time, mean over seeds."""
        return self.spent("seconds")

    def spent(self, name: str) -> float | None:
        """Return a cost of training (a field of `Timing`).

        This is the mean over seeds; of memory, the largest.
        """
        known = []
        for timing in self._trainings:
            cost = getattr(timing, name)
            if cost is not None:
                known.append(cost)
        if not known:
            return None
        return max(known) if name == "peak_bytes" else fmean(known)

    @property
    def trained_before(self) -> bool:
        """Whether the trained models of all seeds came from the store."""
        return all(timing.cached for timing in self._trainings)

    @property
    def _trainings(self) -> list[Timing]:
        return [result.timings["train"] for result in self.cells if "train" in result.timings]


def build_row(comparison: Comparison, metrics: Iterable[str], cells: Sequence[CellResult]) -> Row:
    """Make the row of one method from its cells, one for each seed."""
    cells = sorted(cells, key=lambda result: result.cell.run)
    final, best = [], []
    for result in cells:
        if result.status == "ok":
            final.append(by_name(result.metrics))
        if result.status == "ok" and result.best is not None:
            best.append(by_name(result.best.metrics))
    reported = set().union(*final)
    values = _average(final, [name for name in metrics if name in reported])
    # A best epoch is shown only if every seed has one, so that it is a mean over the same seeds.
    has_best = bool(best) and len(best) == len(final)
    return Row(
        method=cells[0].cell.method,
        family=cells[0].family,
        cells=tuple(cells),
        values=values,
        best=_average(best, _headlines(comparison, best)) if has_best else {},
        deltas={},
        marks=tuple(_explain_state(cells, values, comparison.primary)),
    )


def _headlines(comparison: Comparison, seeds: Sequence[Mapping[str, Metric]]) -> list[str]:
    """Name the headline metrics, and the distances behind p-values that all seeds report."""
    distances = map(distance_of, comparison.primary)
    reported = [name for name in distances if all(name in metrics for metrics in seeds)]
    return [*comparison.primary, *reported]


def _average(seeds: Sequence[Mapping[str, Metric]], names: Iterable[str]) -> dict[str, Value]:
    """Average each metric over the seeds."""
    means = {}
    for name in names:
        means[name] = mean_of([value_of(metrics, name) for metrics in seeds])
    return means


def _explain_state(
    cells: Sequence[CellResult], values: Mapping[str, Value], primary: Sequence[str]
) -> Iterator[str]:
    """Say which seeds did not finish, and which headline metrics are missing."""
    for result in cells:
        if result.status != "ok":
            run = f" ({result.cell.shown_run})" if len(cells) > 1 else ""
            yield f"{result.status}{run}: {result.error}"
    if cells[0].family == "baseline":
        return  # a baseline is never ranked, so a missing metric needs no explanation
    for name in primary:
        if name in values and values[name].value is None:
            yield f"no {name}: {values[name].note}"


def subtract_baseline(row: Row, base: Row) -> Row:
    """Add the differences from the baseline model to a row."""
    deltas = {}
    for name, value in row.values.items():
        reference = base.values.get(name)
        if reference is None or reference.value is None or value.value is None:
            continue
        # The difference of two p-values has no meaning, and without a better direction
        # nobody could read its sign.
        if value.log10_p is not None or value.higher_is_better is None:
            continue
        deltas[name] = Value(
            name,
            value.value - reference.value,
            higher_is_better=value.higher_is_better,
            unit=value.unit,
        )
    return replace(row, deltas=deltas)


def add_evidence(row: Row, evidence: Evidence) -> Row:
    """Add the intervals of a row and of its differences, and how sure its rank is."""
    standings = {}
    for standing in evidence.standings:
        if standing.method == row.method:
            standings[standing.metric] = standing

    values = dict(row.values)
    # The value of a single run keeps the benchmark's own interval.
    several_runs = len(row.cells) > 1
    for name, standing in standings.items():
        if several_runs and name in values:
            values[name] = with_limits(values[name], standing)
    if HYPERVOLUME in values and row.method in evidence.hypervolume:
        low, high = evidence.hypervolume[row.method]
        values[HYPERVOLUME] = replace(
            values[HYPERVOLUME], low=low, high=high, spread="95 % interval"
        )

    deltas = dict(row.deltas)
    for difference in evidence.to_baseline:
        name = difference.metric
        if difference.method == row.method and name in deltas:
            deltas[name] = with_limits(deltas[name], difference)

    overall = evidence.overall.get(row.method)
    return replace(row, values=values, deltas=deltas, overall=overall, standings=standings)
