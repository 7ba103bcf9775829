"""A table of one run with the settings behind it, by the names that a user writes.

told.settings("npo")    {"model": "tiny", "finetune.epochs": 12, "npo.beta": 0.1, ...}
settings_apart(a, b, named("finetune."))    "finetune.epochs is 12 in a and 5 in b"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from suite.api.cells import CellResult
from suite.results.schema import Comparison, Results
from suite.settings import HOW_A_STEP_IS_COMPUTED

_NOT_OF_RESULTS = frozenset(
    "methods bench split seeds out store block log device evaluate checkpoint_seconds "
    "smallest_difference".split()
) | {*HOW_A_STEP_IS_COMPUTED}
"""Settings of a run, or of its training, that decide no result, or that the table's name and its
rows show."""
RESOLVED = ("finetune", "train")
"""Sections of which a run keeps every setting: one that is missing came with a later version."""


@dataclass(frozen=True)
class Told:
    """A table of one run, and what the run says of itself."""

    name: str
    """What to call the run."""
    results: Results
    table: Comparison
    joined: Mapping[int, str] | None = None
    """The start keys of a table that was joined from several runs."""

    @property
    def start_keys(self) -> Mapping[int, str]:
        """Start seed -> the key of the baseline model that was made with it."""
        if self.joined is not None:
            return self.joined
        keys = self.table.baseline_key.split(", ")
        seeds = self.results.run.start_seeds
        if len(seeds) != len(keys):
            seeds = tuple(sorted(self.row(str(self.table.baseline))))
        return dict(zip(seeds, keys, strict=False))

    @property
    def own(self) -> str:
        """How the benchmark's own settings begin."""
        return f"{self.table.benchmark.partition(':')[0]}."

    @property
    def data(self) -> str:
        """Where the data come from, without the digest of their content."""
        return self.table.revision.rpartition("@")[0] or self.table.revision

    def row(self, method: str) -> dict[int, CellResult]:
        """Start seed -> the row's result of the first seed."""
        found: dict[int, CellResult] = {}
        for result in self.results.cells:
            if result.cell.table == self.table.key and result.cell.method == method:
                found.setdefault(result.cell.start_seed, result)
        return found


def tables_of(name: str, results: Results) -> dict[tuple[str, str, str], Told]:
    """The tables of a run by their keys; `name`: what to call the run."""
    return {table.key: Told(name, results, table) for table in results.comparisons}


def settings_apart(a: Told, b: Told, wanted: Callable[[str], bool], row: str = "") -> Iterator[str]:
    """The settings that differ, with both values. `row`: of that method too."""
    recorded = bool(a.table.settings) and bool(b.table.settings)
    ours, theirs = settings_of(a, row, recorded=recorded), settings_of(b, row, recorded=recorded)
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        newer = name.startswith(RESOLVED) and not (name in ours and name in theirs)
        if wanted(name) and not newer and ours.get(name) != theirs.get(name):
            yield values_of(name, ours.get(name), theirs.get(name), a, b)


def settings_of(told: Told, row: str, *, recorded: bool) -> dict[str, Any]:
    """The settings behind a table and a row, by the names that a user writes.

    `recorded`: with those that the table keeps. Without, what the run was told: older files hold no
    more.
    """
    known = dict(_flat(told.results.run.config))
    known["engine"] = told.results.run.engine
    known["dtype"] = told.results.run.dtype  # "auto" does not say which
    if recorded:
        known |= told.table.settings | told.table.methods.get(row, {})
    return known


def _flat(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settings of a run as (name, value); joined runs, which have several, give none."""
    # What was resolved of these two holds what the user said of them.
    sections = {**config.get("sections", {}), **{name: config.get(name, {}) for name in RESOLVED}}
    for name, value in config.items():
        if name not in _NOT_OF_RESULTS and not isinstance(value, dict) and name != "runs":
            yield name, value
    for section, values in sections.items():
        for name, value in values.items():
            if name not in _NOT_OF_RESULTS:
                yield f"{section}.{name}", value


def values_of(what: str, first: Any, second: Any, a: Told, b: Told, verb: str = "is") -> str:
    """Say both values of something: "npo.beta is 0.1 in a and 0.5 in b"."""
    return f"{what} {verb} {shown(first)} in {a.name} and {shown(second)} in {b.name}"


def shown(value: Any) -> str:
    """Write a value as a user writes it."""
    if value is None or value in ([], ()):
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(shown, value))
    return str(value)


def named(*wanted: str) -> Callable[[str], bool]:
    """Tell whether a setting is one of these, or begins with one that ends in "." or "_"."""
    exact = {name for name in wanted if not name.endswith((".", "_"))}
    starts = tuple(name for name in wanted if name.endswith((".", "_")))
    return lambda name: name in exact or name.startswith(starts)
