"""Why two runs cannot be joined, in the words of their settings.

different retrain models: finetune.epochs is 12 in a and 5 in b
npo.beta is 0.1 in a and 0.5 in b
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from suite.api.cells import CellResult
from suite.report.numbers import listed, number
from suite.report.told import Told, named, settings_apart, settings_of, shown, values_of
from suite.report.values import by_name
from suite.results.schema import Run

_OF_DATA = ("model", "data", "limit", "allow_overlap")
_OF_STARTS = ("model", "data", "template", "pad_token", "dtype", "finetune.")
_EXPLAINS_STARTS = (*_OF_STARTS, "pretraining")
"""Pretraining `tiny` again gives the packaged weights where the machine rounds alike: that setting
alone makes no other models, but may be why they are."""
MOST = 5
"""So many differences are named, and the number of the others."""


def apart(a: Told, b: Told) -> list[str]:
    """Why the two tables cannot be one; empty if they can."""
    tests = (_headlines, _data, _baseline, _judge)
    found = [test(a, b) for test in tests]
    return [reason for reason in found if reason]


def _headlines(a: Told, b: Told) -> str:
    if a.table.primary == b.table.primary:
        return ""
    first, second = listed(a.table.primary), listed(b.table.primary)
    return _because("different headline metrics", values_of("they", first, second, a, b, "are"))


def _data(a: Told, b: Told) -> str:
    if a.table.revision == b.table.revision:
        return ""
    differ = [*settings_apart(a, b, named(*_OF_DATA, a.own))]
    if a.data != b.data:
        return _because("different data", values_of("their source", a.data, b.data, a, b), *differ)
    unknown = f"both were read from {a.data}, whose content has changed between the runs"
    return _because("different data", *(differ or [unknown]))


def _baseline(a: Told, b: Told) -> str:
    """Why the models that rows are compared with are not the same."""
    first, second = a.table.baseline, b.table.baseline
    if first != second:
        said = values_of("the row to compare with", first or "none", second or "none", a, b)
        return _because("different baselines", said)
    kind = f"different {first} models" if first else "different base models"
    if reason := _start_seeds(a, b):
        return _because(kind, reason)
    if _same_models(a, b):
        return ""
    differ = [*settings_apart(a, b, named(*_EXPLAINS_STARTS, a.own))]
    if not differ and _sources_differ(a, b, "model"):
        differ = [f"the files of model {a.table.model} have changed between the runs"]
    if not differ and a.table.revision != b.table.revision:
        differ = ["they were trained on the different data"]
    return _because(kind, *(differ or [*_unexplained(a, b, str(first))]))


def _start_seeds(a: Told, b: Told) -> str:
    """A benchmark that compares every cell with the baselines of all starts needs the same ones."""
    first, second = sorted(a.start_keys), sorted(b.start_keys)
    if first == second or not (a.table.compares_every_start or b.table.compares_every_start):
        return ""
    why = f"every row is compared with the {a.table.baseline} models of all start seeds"
    return f"{values_of('start_seeds', first, second, a, b)}, and {why}"


def _same_models(a: Told, b: Told) -> bool:
    """Whether all start models that both runs have are the same: by key, or because code changed
    between the runs and changed no number of theirs."""
    if _sources_differ(a, b, "model"):
        return False
    first, second = a.start_keys, b.start_keys
    shared = first.keys() & second.keys()
    if not shared:
        return not any(settings_apart(a, b, named(*_OF_STARTS, a.own)))
    if all(first[seed] == second[seed] for seed in shared):
        return True
    if any(settings_apart(a, b, named(*_OF_STARTS, a.own))):
        return False
    return _equal_rows(a, b, shared)


def _equal_rows(a: Told, b: Told, seeds: Collection[int]) -> bool:
    """Whether the rows of the baseline models agree on all metrics, of which they share some."""
    ours, theirs = a.row(str(a.table.baseline)), b.row(str(b.table.baseline))
    for seed in seeds:
        if seed not in ours or seed not in theirs:
            return False
        first, second = ours[seed], theirs[seed]
        if not first.metrics or metrics_apart(first, second) is not None:
            return False
    return True


def _judge(a: Told, b: Told) -> str:
    if a.table.judge == b.table.judge:
        return ""
    said = values_of("judge", a.table.judge or "none", b.table.judge or "none", a, b)
    return _because("different judges", said, *settings_apart(a, b, named("judge_")))


def cell_apart(a: Told, b: Told, first: CellResult, second: CellResult) -> str:
    """Why one cell has two results: the settings that differ, or else the metric that does."""
    if first.status != second.status:
        return values_of("its status", first.status, second.status, a, b)
    row = "" if first.family == "baseline" else first.cell.method
    engines = [f"{told.results.run.engine}." for told in (a, b)]
    wanted = [*_OF_DATA, *_EXPLAINS_STARTS, a.own, "engine", *engines, "judge_"]
    if row:
        wanted += ["train.", f"{row.partition(':')[0]}."]
    differ = [*settings_apart(a, b, named(*wanted), row)]
    return _first(differ or [*_unexplained(a, b, first.cell.method, first, second)])


def advice(a: Told, b: Told, method: str) -> str:
    """How to write the setting that differs into the method, which makes it a row of its own; ""
    where none of the method's does."""
    name = method.partition(":")[0]
    ours, theirs = settings_of(a, method, recorded=True), settings_of(b, method, recorded=True)
    for setting in sorted(ours.keys() & theirs.keys()):
        section, _, field = setting.partition(".")
        if section in (name, "train") and ours[setting] != theirs[setting]:
            return f"{method}:{field}={shown(theirs[setting])}"
    return ""


def metrics_apart(first: CellResult, second: CellResult) -> str | None:
    """The first metric that both report with different values; "": they share none; None: they
    agree."""
    ours, theirs = by_name(first.metrics), by_name(second.metrics)
    shared = [name for name in ours if name in theirs]
    if not shared:
        return None if not ours and not theirs else ""
    return next((name for name in shared if ours[name] != theirs[name]), None)


def _unexplained(
    a: Told, b: Told, method: str, first: CellResult | None = None, second: CellResult | None = None
) -> Iterator[str]:
    """What can be said where no recorded setting differs: the numbers, and the versions."""
    ours, theirs = first or _any(a, method), second or _any(b, method)
    yield "no recorded setting differs"
    if ours is not None and theirs is not None and (name := metrics_apart(ours, theirs)):
        here, there = (number(by_name(each.metrics)[name].value) for each in (ours, theirs))
        yield values_of(f"{name} of {method}", here, there, a, b)
    versions = [*_versions_apart(a, b)]
    yield from versions
    if not versions:
        yield "so the code of suite, of a plugin or the machine has changed: run one of them again"


def _any(told: Told, method: str) -> CellResult | None:
    return next(iter(told.row(method).values()), None)


def _versions_apart(a: Told, b: Told) -> Iterator[str]:
    ours, theirs = _versions(a.results.run), _versions(b.results.run)
    for name in sorted(ours.keys() & theirs.keys()):
        if ours[name] != theirs[name]:
            yield values_of(name, ours[name], theirs[name], a, b)


def _versions(run: Run) -> dict[str, str]:
    return {**run.versions, **run.plugins}


def _sources_differ(a: Told, b: Told, name: str) -> bool:
    ours, theirs = a.table.sources.get(name), b.table.sources.get(name)
    return None not in (ours, theirs) and ours != theirs


def _because(what: str, *reasons: str) -> str:
    return f"{what}: {_first(reasons)}"


def _first(reasons: Sequence[str]) -> str:
    """Join reasons; of many the first few."""
    more = f"; and {len(reasons) - MOST} more" if len(reasons) > MOST else ""
    return "; ".join(reasons[:MOST]) + more
