"""The tables of item scores behind a headline metric, on the same items for every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from suite.api.scores import Basis, ItemScore, Metric

if TYPE_CHECKING:
    from suite.stats.arrays import Codes
    from suite.stats.clustered import Part

MOST_ITEMS = 0.5
"""A row that has fewer of the items is left out, instead of the items."""


class LeftOut(Exception):
    """A headline metric cannot be compared by items; the text says why."""


@dataclass(frozen=True)
class Scored:
    """One cell's scores."""

    metrics: Mapping[str, Metric]
    items: Mapping[tuple[str, str], Sequence[ItemScore]]
    """By (set, metric)."""
    start: int = 0
    """Seed of the start model that the method was trained from; of a start model its own."""
    seed: int = 0


Rows = Mapping[str, Sequence[Scored]]
"""Method -> its runs, one for each start model and seed."""


class Parts:
    """The tables of scores behind a metric, for every row that has all of them on the same items.

    Which items these are, and the cluster of each, is read from the first row that has any.
    """

    def __init__(self, basis: Basis, rows: Rows, needed: str | None) -> None:
        self.needed = needed
        """The baseline model of a KS distance."""
        self._items = {part: _first_with(part, rows, needed) for part in basis.parts}
        self.sizes: dict[str, int] = {}
        """Number of clusters of each set."""
        self._codes: dict[tuple[str, str], Codes] = {}
        self._number_clusters()
        self.of: dict[str, list[Part]] = {}
        """Row -> a table for each part of the basis."""
        self.why: dict[str, str] = {}
        """Why the other rows have none."""
        for row, runs in rows.items():
            try:
                self.of[row] = [self._part(part, runs) for part in basis.parts]
            except LeftOut as reason:
                self.why[row] = str(reason)

    def _number_clusters(self) -> None:
        """Give each item the number of its cluster; parts of one set share their numbers."""
        import numpy as np

        clusters: dict[str, set[str]] = {}
        for (set_name, _), items in self._items.items():
            clusters.setdefault(set_name, set()).update(item.cluster_id for item in items)
        for (set_name, metric), items in self._items.items():
            order = sorted(clusters[set_name])
            self.sizes[set_name] = len(order)
            codes = np.searchsorted(order, [item.cluster_id for item in items])
            self._codes[set_name, metric] = codes.astype(np.intp)

    def _part(self, part: tuple[str, str], runs: Sequence[Scored]) -> Part:
        import numpy as np

        from suite.stats.clustered import Part

        where = "/".join(part)
        expected = _ids(self._items[part])
        in_order = sorted(runs, key=lambda scored: (scored.start, scored.seed))
        values = []
        for scored in in_order:
            table = scored.items.get(part, ())
            if not expected or _ids(table) != expected:
                raise LeftOut(f"it was not scored on the same items of {where}")
            values.append([item.value for item in table])
        numbers = np.array(values, dtype=np.float64)  # a missing value (None) becomes NaN
        if not np.isfinite(numbers).any(axis=0).mean() >= MOST_ITEMS:
            raise LeftOut(f"it lacks item scores of {where}")
        starts = len({scored.start for scored in in_order})
        if len(in_order) % starts:
            raise LeftOut("its start models have not the same seeds")
        return Part(numbers, self._codes[part], part[0], starts)

    def without_gaps(
        self, of: Mapping[str, Sequence[Part]], notes: list[str], name: str
    ) -> dict[str, list[Part]]:
        """The tables without the items that any row has no score of."""
        import numpy as np

        kept: dict[str, list[Part]] = {row: [] for row in of}
        for place, part in enumerate(self._items):
            tables = [tables[place] for tables in of.values()]
            complete = np.all([np.isfinite(table.values).all(axis=0) for table in tables], axis=0)
            if not complete.any():
                raise LeftOut(f"no item of {'/'.join(part)} has a score of every method")
            if not complete.all():
                missing = int((~complete).sum())
                notes.append(
                    f"{name}: {missing} of {len(complete)} items of {'/'.join(part)} were left out "
                    "of the comparison of methods, because some model has no score of them."
                )
            for row, table in zip(of, tables, strict=True):
                values, codes = table.values[:, complete], table.codes[complete]
                kept[row].append(replace(table, values=values, codes=codes))
        return kept


def _first_with(part: tuple[str, str], rows: Rows, needed: str | None) -> Sequence[ItemScore]:
    """The items of a table, from the row that is needed or the first that has any."""
    preferred = [needed] if needed in rows else []
    for row in [*preferred, *rows]:
        items = rows[str(row)][0].items.get(part, ())
        if items:
            return items
    return ()


def _ids(items: Sequence[ItemScore]) -> list[str]:
    return [item.item_id for item in items]
