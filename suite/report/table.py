"""The tables of the report: one for each (benchmark, split, model), with one row for each method.

Only methods whose cells are all finished and complete get a rank. Baselines (target, retrain),
partial runs, and methods with a cell that failed or diverged are shown too, without a rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from suite.api.cells import CellResult
from suite.api.pictures import MetricColumn
from suite.compare.hypervolume import NAME as HYPERVOLUME
from suite.report.rank import balance, ranks
from suite.report.row import Row, add_evidence, build_row, subtract_baseline
from suite.report.values import Value, distance_of, mean_of
from suite.results.evidence import Evidence
from suite.results.outputs import Outputs
from suite.results.schema import Comparison, Results

__all__ = ["Row", "Table", "tables"]


@dataclass(frozen=True)
class Table:
    """The methods of one comparison."""

    comparison: Comparison
    rows: tuple[Row, ...]
    """Baselines, then ranked rows, then the others."""
    primary: tuple[str, ...]
    """Headline metrics that any row reports."""
    axes: tuple[str, ...]
    """The headline metrics that have a better direction; rows are ranked by them."""
    metrics: tuple[str, ...]
    """All metrics, headline metrics first."""

    @property
    def title(self) -> str:
        """Benchmark, split and model."""
        return " · ".join(self.comparison.key)

    @property
    def outputs(self) -> Outputs:
        """What the benchmark declares of pictures and columns; of an older file the general."""
        return self.comparison.outputs or Outputs()

    @property
    def baselines(self) -> list[Row]:
        """The rows that are shown for comparison only."""
        return [row for row in self.rows if row.is_baseline]

    @property
    def methods(self) -> list[Row]:
        """The other rows."""
        return [row for row in self.rows if not row.is_baseline]

    @property
    def ranked(self) -> list[Row]:
        """The rows that have a rank."""
        return [row for row in self.rows if row.rank]

    @property
    def front(self) -> list[Row]:
        """The ranked rows that no other row dominates."""
        return [row for row in self.rows if row.rank and row.rank.front]

    @property
    def seeds(self) -> list[int]:
        """The seeds of the methods; those of the baselines if there is no method."""
        seeds: set[int] = set()
        for row in self.methods or self.rows:
            seeds.update(row.seeds)
        return sorted(seeds)

    @property
    def start_seeds(self) -> list[int]:
        """The seeds of the start models, as `seeds`."""
        seeds: set[int] = set()
        for row in self.methods or self.rows:
            seeds.update(row.start_seeds)
        return sorted(seeds)

    @property
    def all_partial(self) -> bool:
        """Whether every row is partial; the report then says so once instead of on each row."""
        return all(row.state == "partial" for row in self.rows)

    @property
    def partial(self) -> list[str]:
        """The methods that were evaluated on a part of the questions."""
        return [row.method for row in self.rows if row.state == "partial"]

    @property
    def front_volume(self) -> Value | None:
        """The hypervolume of all ranked methods together: mean and range over seeds."""
        seeds = []
        for volume in self.comparison.front_hypervolume:
            seeds.append(Value(HYPERVOLUME, volume, higher_is_better=True))
        return mean_of(seeds) if seeds else None

    def label(self, row: Row) -> str:
        """Return a word that says what a row is; "" for an ordinary one."""
        if row.state == "partial" and self.all_partial:
            return "baseline" if row.is_baseline else ""
        return "" if row.state == "ok" else row.state

    def values_of(self, name: str) -> list[Value]:
        """Return the values of the metric `name` in all rows that report it."""
        return [row.values[name] for row in self.rows if name in row.values]

    def is_p_value(self, name: str) -> bool:
        """Say whether the metric `name` is a p-value."""
        return any(value.log10_p is not None for value in self.values_of(name))

    def quantity(self, headline: str) -> str:
        """Return the metric that stands for a headline metric in table, pictures and ranks.

        Of a p-value this is its KS distance, where one is reported: a size, of which seeds have a
        mean. Of any other metric it is the metric itself.
        """
        distance = distance_of(headline)
        if self.is_p_value(headline) and self.values_of(distance):
            return distance
        return headline

    def heading(self, headline: str) -> str:
        """Name the quantity of a headline metric, the same in table and pictures."""
        quantity = self.quantity(headline)
        declared = self.outputs.column(quantity)
        if quantity == headline:
            return declared.title if declared and declared.title else headline
        return f"{headline} ({declared.title if declared and declared.title else 'D'})"

    def meaning(self, headline: str) -> str:
        """Say in one sentence what the quantity of a headline metric is; "" if undeclared."""
        declared = self.outputs.column(self.quantity(headline))
        return declared.help if declared else ""

    def below(self, headline: str) -> list[MetricColumn]:
        """List the declared metrics that stand in the column of a headline metric."""
        shown = self.quantity(headline)
        columns = self.outputs.columns
        return [each for each in columns if each.below == headline and each.metric != shown]

    def direction(self, name: str) -> str:
        """Return the direction in which a metric gets better: ↑, ↓ or ""."""
        for value in self.values_of(name):
            if value.higher_is_better is not None:
                return "↑" if value.higher_is_better else "↓"
        return ""


def tables(results: Results) -> list[Table]:
    """Build the tables, in the order of the run."""
    found = []
    for comparison in results.comparisons:
        cells = [result for result in results.cells if result.cell.table == comparison.key]
        if cells:
            found.append(_build_table(comparison, cells))
    return found


def _build_table(comparison: Comparison, cells: Sequence[CellResult]) -> Table:
    # A dict, because it keeps the order in which the names were first seen.
    names: dict[str, None] = {}
    cells_of: dict[str, list[CellResult]] = {}
    for result in cells:
        cells_of.setdefault(result.cell.method, []).append(result)
        for metric in result.metrics:
            names[metric.name] = None
    primary = tuple(name for name in comparison.primary if name in names)
    metrics = tuple(dict.fromkeys([*primary, *names]))

    rows = {}
    for method, of_method in cells_of.items():
        rows[method] = build_row(comparison, metrics, of_method)
    base = rows.get(comparison.baseline or "")
    for method, row in rows.items():
        if base is not None and row is not base:
            row = subtract_baseline(row, base)
        if comparison.evidence is not None:
            row = add_evidence(row, comparison.evidence)
        rows[method] = row

    axes = tuple(name for name in primary if _has_direction(name, rows.values()))
    ranked = _rank_rows(rows.values(), axes, comparison.evidence)
    return Table(comparison, ranked, primary, axes, metrics)


def _has_direction(name: str, rows: Iterable[Row]) -> bool:
    """Say whether any row has a value of the metric that can be called better or worse."""
    for row in rows:
        value = row.values.get(name)
        if value is not None and value.goodness is not None:
            return True
    return False


def _rank_rows(
    rows: Iterable[Row], axes: Sequence[str], evidence: Evidence | None
) -> tuple[Row, ...]:
    """Rank the rows that can be ranked; return baselines, ranked rows, and the others."""
    baselines, able, points, others = [], [], [], []
    for row in sorted(rows, key=lambda row: row.method):
        point = _locate(row, axes)
        if row.state == "ok" and point:  # without axes the point is empty: nothing to rank by
            able.append(row)
            points.append(point)
        elif row.is_baseline:
            baselines.append(row)
        else:
            others.append(row)

    def is_real(i: int, j: int) -> bool:
        return _differ(evidence, able[i].method, able[j].method, axes)

    placed = list(zip(able, ranks(points, is_real), balance(points), strict=True))
    # Within a tie, a row that is good on every metric comes before one that is last on some.
    placed.sort(key=lambda entry: (*entry[1].order, entry[2], entry[0].method))
    ranked = [replace(row, rank=rank) for row, rank, _ in placed]
    return (*baselines, *ranked, *others)


def _locate(row: Row, axes: Sequence[str]) -> list[float] | None:
    """Return a row's values on the axes, larger is better; None if any is missing."""
    point = []
    for name in axes:
        value = row.values.get(name)
        if value is None or value.goodness is None:
            return None
        point.append(_measure(row, value))
    return point


def _measure(row: Row, value: Value) -> float:
    """Return a value as ranks go by it, larger is better.

    Of a p-value this is its KS distance, by which the draws go too: one order for everything.
    """
    assert value.goodness is not None, "rows without a value are left out before"
    if value.log10_p is None:
        return value.goodness
    known = row.standings.get(value.name)
    if known is not None:
        return -known.value
    distance = row.values.get(distance_of(value.name))
    if distance is not None and distance.goodness is not None:
        return distance.goodness
    return value.goodness


def _differ(evidence: Evidence | None, method: str, other: str, axes: Sequence[str]) -> bool:
    """Say whether two rows differ by more than chance; not if any metric was not tested."""
    if evidence is None:
        return False
    tested = {standing.metric for standing in evidence.standings}
    return tested.issuperset(axes) and evidence.real(method, other)
