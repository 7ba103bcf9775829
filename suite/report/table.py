"""The tables of the report: one per (benchmark, split, model), one row per method, seeds averaged, ranked.

Ranked are complete, finished cells of methods. Baselines (target, retrain), partial runs and cells that
failed or diverged are rows too, with their mark and without a rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from suite.api.cells import CellResult, CheckpointResult
from suite.compare.hypervolume import NAME as HYPERVOLUME
from suite.report.rank import Rank, balance, ranks
from suite.report.values import Value, mean_of, value_of, with_limits
from suite.results.evidence import Evidence, Overall, Standing
from suite.results.schema import Comparison, Results


@dataclass(frozen=True)
class Row:
    """A method in a table."""

    method: str
    family: str
    cells: tuple[CellResult, ...]
    """One per seed."""
    values: dict[str, Value]
    """Final checkpoint, by metric."""
    best: dict[str, Value]
    """Best epoch, by metric; empty if there is none."""
    deltas: dict[str, Value]
    """Value minus the baseline model's, by metric; with an interval where items were compared."""
    marks: tuple[str, ...]
    """Why it is not ranked, beyond being partial."""
    rank: Rank | None = None
    overall: Overall | None = None
    """How sure the rank is."""
    standings: dict[str, Standing] = field(default_factory=dict)
    """The same on each headline metric."""

    @property
    def is_baseline(self) -> bool:
        """Whether it is there for comparison only."""
        return self.family == "baseline"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that were run."""
        return tuple(result.cell.seed for result in self.cells)

    @property
    def state(self) -> str:
        """One word: ok, baseline, partial, diverged, failed."""
        worst = [s for s in ("failed", "diverged") for r in self.cells if r.status == s]
        partial = ["partial"] if any(result.partial for result in self.cells) else []
        return [*worst, *partial, "baseline" if self.is_baseline else "ok"][0]

    @property
    def best_epochs(self) -> str:
        """Which epoch was best, for each seed."""
        epochs = [f"{result.best.epoch:g}" for result in self.cells if result.best]
        return ", ".join(epochs if len(set(epochs)) > 1 else epochs[:1])

    @property
    def train_seconds(self) -> float | None:
        """Training time, mean over seeds."""
        spent = [
            result.timings["train"].seconds for result in self.cells if "train" in result.timings
        ]
        return fmean(spent) if spent else None

    def spent(self, name: str) -> float | None:
        """Return a cost of training (a field of `Timing`), mean over seeds; of memory, the largest."""
        known = [
            getattr(result.timings["train"], name)
            for result in self.cells
            if "train" in result.timings
        ]
        known = [value for value in known if value is not None]
        if not known:
            return None
        return max(known) if name == "peak_bytes" else fmean(known)

    @property
    def trained_before(self) -> bool:
        """Whether every training was found in the store."""
        return all(
            result.timings["train"].cached for result in self.cells if "train" in result.timings
        )


@dataclass(frozen=True)
class Table:
    """One comparison."""

    comparison: Comparison
    rows: tuple[Row, ...]
    """Baselines, then ranked rows, then the others."""
    primary: tuple[str, ...]
    """Headline metrics that any row reports."""
    axes: tuple[str, ...]
    """Those of them that have a better and a worse: rows are ranked by these."""
    metrics: tuple[str, ...]
    """All metrics, primary first."""

    @property
    def title(self) -> str:
        """Benchmark, split and model."""
        return " · ".join(self.comparison.key)

    @property
    def baselines(self) -> list[Row]:
        """Rows that are there for comparison only."""
        return [row for row in self.rows if row.is_baseline]

    @property
    def methods(self) -> list[Row]:
        """The other rows."""
        return [row for row in self.rows if not row.is_baseline]

    @property
    def front(self) -> list[Row]:
        """The rows that no other dominates."""
        return [row for row in self.rows if row.rank and row.rank.front]

    @property
    def seeds(self) -> list[int]:
        """The seeds of its methods; of its baselines, where there is no method."""
        return sorted({seed for row in self.methods or self.rows for seed in row.seeds})

    @property
    def all_partial(self) -> bool:
        """Whether every row was evaluated on a part of the questions: said once, not of each."""
        return all(row.state == "partial" for row in self.rows)

    @property
    def partial(self) -> list[str]:
        """The methods that were."""
        return [row.method for row in self.rows if row.state == "partial"]

    @property
    def front_volume(self) -> Value | None:
        """The hypervolume of all ranked methods together: over several seeds their mean and range."""
        found = self.comparison.front_hypervolume
        return (
            mean_of([Value(HYPERVOLUME, v, higher_is_better=True) for v in found])
            if found
            else None
        )

    def label(self, row: Row) -> str:
        """What a row is, in one word; "" of an ordinary one."""
        if row.state == "partial" and self.all_partial:
            return "baseline" if row.is_baseline else ""
        return "" if row.state == "ok" else row.state

    def behind(self, name: str, unit: str) -> list[str]:
        """The metrics of a unit that stand beside the p-value `name`, e.g. forget_quality_D."""
        units = {n: v.unit for row in self.rows for n, v in row.values.items()}
        return (
            [n for n in self.metrics if n.startswith(f"{name}_") and units.get(n) == unit]
            if units.get(name) == "p-value"
            else []
        )

    def direction(self, name: str) -> str:
        """Return ↑, ↓ or "" for a metric."""
        known = [row.values[name].higher_is_better for row in self.rows if name in row.values]
        better = next((direction for direction in known if direction is not None), None)
        return {True: "↑", False: "↓", None: ""}[better]


def tables(results: Results) -> list[Table]:
    """Build the tables, in the order of the run."""
    found = []
    for comparison in results.comparisons:
        cells = [r for r in results.cells if r.cell.table == comparison.key]
        if cells:
            found.append(_table(comparison, cells))
    return found


def _table(comparison: Comparison, cells: Sequence[CellResult]) -> Table:
    names = dict.fromkeys(metric.name for result in cells for metric in result.metrics)
    primary = tuple(name for name in comparison.primary if name in names)
    metrics = (*primary, *(name for name in names if name not in primary))
    methods = dict.fromkeys(result.cell.method for result in cells)
    rows = [
        _row(comparison, metrics, [r for r in cells if r.cell.method == method])
        for method in methods
    ]
    base = next((row.values for row in rows if row.method == comparison.baseline), {})
    rows = [replace(row, deltas=_deltas(row, base)) for row in rows]
    axes = tuple(name for name in primary if any(_good(row, name) is not None for row in rows))
    evidence = comparison.evidence
    if evidence is not None:
        rows = [_sure(row, evidence) for row in rows]
    return Table(comparison, _ranked(rows, axes, evidence), primary, axes, metrics)


def _sure(row: Row, evidence: Evidence) -> Row:
    """Add what is known of a row's rank, its own intervals and those of its differences."""
    standings = {s.metric: s for s in evidence.standings if s.method == row.method}
    several = len(row.seeds) > 1
    values = {
        n: with_limits(v, standings[n]) if several and n in standings else v
        for n, v in row.values.items()
    }
    found = {d.metric: d for d in evidence.to_baseline if d.method == row.method}
    deltas = {
        name: with_limits(value, found[name]) if name in found else value
        for name, value in row.deltas.items()
    }
    if HYPERVOLUME in values and row.method in evidence.hypervolume:
        low, high = evidence.hypervolume[row.method]
        values[HYPERVOLUME] = replace(
            values[HYPERVOLUME], low=low, high=high, spread="95 % interval"
        )
    overall = evidence.overall.get(row.method)
    return replace(row, values=values, deltas=deltas, overall=overall, standings=standings)


def _row(comparison: Comparison, metrics: Iterable[str], cells: Sequence[CellResult]) -> Row:
    cells = sorted(cells, key=lambda result: result.cell.seed)
    finished = [result for result in cells if result.status == "ok"]
    final = [{metric.name: metric for metric in result.metrics} for result in finished]
    best = [{metric.name: metric for metric in point.metrics} for point in _best(finished)]
    reported = [name for name in metrics if any(name in one for one in final)]
    values = {name: mean_of([value_of(one, name) for one in final]) for name in reported}
    return Row(
        method=cells[0].cell.method,
        family=cells[0].family,
        cells=tuple(cells),
        values=values,
        best={
            name: mean_of([value_of(one, name) for one in best])
            for name in comparison.primary
            if best
        },
        deltas={},
        marks=tuple(_marks(cells, values, comparison.primary)),
    )


def _best(finished: Sequence[CellResult]) -> list[CheckpointResult]:
    points = [result.best for result in finished if result.best is not None]
    return points if len(points) == len(finished) else []


def _marks(
    cells: Sequence[CellResult], values: dict[str, Value], primary: Sequence[str]
) -> Iterable[str]:
    for result in cells:
        seed = f" (seed {result.cell.seed})" if len(cells) > 1 else ""
        if result.status != "ok":
            yield f"{result.status}{seed}: {result.error}"
    for name in primary if cells[0].family != "baseline" else ():
        if name in values and values[name].value is None:
            yield f"no {name}: {values[name].note}"


def _deltas(row: Row, base: dict[str, Value]) -> dict[str, Value]:
    """Subtract the baseline's values, where a difference means something: not between p-values."""
    deltas = {}
    for name, value in row.values.items():
        reference = base[name].value if name in base else None
        meaningful = (
            value.log10_p is None and value.higher_is_better is not None and row.values is not base
        )
        if meaningful and value.value is not None and reference is not None:
            deltas[name] = Value(
                name,
                value.value - reference,
                higher_is_better=value.higher_is_better,
                unit=value.unit,
            )
    return deltas


def _ranked(rows: Sequence[Row], axes: Sequence[str], evidence: Evidence | None) -> tuple[Row, ...]:
    """Rank the rows that can be ranked; order all: baselines, ranked rows, the others."""
    able = [
        row
        for row in rows
        if row.state == "ok" and axes and all(_good(row, n) is not None for n in axes)
    ]
    points = [[_good(row, name) or 0.0 for name in axes] for row in able]
    found = ranks(points, lambda i, j: _real(evidence, able[i].method, able[j].method, axes))
    placed = zip(able, found, balance(points), strict=True)
    order = sorted(placed, key=lambda entry: (entry[1].place, entry[2], entry[0].method))
    rest = sorted((row for row in rows if row not in able), key=lambda row: row.method)
    return (
        *(row for row in rest if row.is_baseline),
        *(replace(row, rank=rank) for row, rank, _ in order),
        *(row for row in rest if not row.is_baseline),
    )


def _good(row: Row, name: str) -> float | None:
    return row.values[name].goodness if name in row.values else None


def _real(evidence: Evidence | None, method: str, other: str, axes: Sequence[str]) -> bool:
    """Whether two rows differ by more than chance; where it was not tested on every metric, a difference counts."""
    tested = {standing.metric for standing in evidence.standings} if evidence else set()
    return evidence is None or not tested.issuperset(axes) or evidence.real(method, other)
