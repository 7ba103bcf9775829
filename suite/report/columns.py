"""The columns of a leaderboard, the same in Markdown, HTML and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from suite.compare.hypervolume import NAME as HYPERVOLUME
from suite.report.numbers import compact, duration, memory, number, percent
from suite.report.table import Row, Table
from suite.report.values import Value


@dataclass(frozen=True)
class Item:
    """One cell of a leaderboard."""

    text: str
    detail: str = ""
    """Smaller, under or behind the text."""
    sort: float | str | None = None
    """What the column is sorted by; None goes last."""
    more: tuple[str, ...] = ()
    """A second line of detail."""


@dataclass(frozen=True)
class Column:
    """One column of a leaderboard."""

    title: str
    group: Literal["rank", "method", "metric", "sure", "volume", "delta", "best", "size", "time"]
    item: Callable[[Row], Item]
    arrow: str = ""
    """Which direction is better."""
    help: str = ""
    """What it is, in a few words."""


def columns(table: Table) -> list[Column]:
    """List the columns that `table` has something to show in."""
    return list(_columns(table))


def _columns(table: Table) -> Iterator[Column]:
    yield Column("Rank", "rank", lambda row: _rank(row, table))
    yield Column("Method", "method", _method)
    for name in table.primary:
        yield Column(
            name, "metric", partial(_headline, name=name, table=table), table.direction(name)
        )
    yield from _certainty(table)
    if table.comparison.reference_point and any(HYPERVOLUME in row.values for row in table.rows):
        text = "what lies between the final checkpoint and the reference point"
        yield Column(
            HYPERVOLUME, "volume", lambda row: _value(row.values.get(HYPERVOLUME)), "↑", text
        )
    for name in table.primary:
        if any(name in row.deltas for row in table.rows):
            title = f"{name} − {table.comparison.baseline}"
            yield Column(title, "delta", partial(_delta, name=name))
    if any(row.best for row in table.rows):
        for name in table.primary:
            title = f"{name}, best epoch"
            yield Column(title, "best", partial(_best, name=name), table.direction(name))
    yield Column("n", "size", lambda row: _size(row, table))
    if any(row.train_seconds is not None for row in table.rows):
        yield Column("Training", "time", _time)
    for name, (title, show) in COSTS.items():
        if any(row.spent(name) for row in table.rows):
            yield Column(title, "time", partial(_spent, name=name, show=show))


def _certainty(table: Table) -> Iterator[Column]:
    ranked = [row for row in table.rows if row.rank]
    if any(row.overall for row in ranked):
        if len(table.axes) > 1:
            yield Column(
                "P(front)",
                "sure",
                _front,
                help="share of draws in which no other method dominates it",
            )
        else:
            yield Column("P(best)", "sure", _front, help="share of draws in which it is first")
    for name in table.axes if len(table.axes) > 1 else ():
        if any(name in row.standings for row in ranked):
            text = "share of draws in which it is first on this metric; below it its rank in 95 % of the draws"
            yield Column(f"P(best) {name}", "sure", partial(_best_place, name=name), help=text)


COSTS: dict[str, tuple[str, Callable[[float], str]]] = {
    "cpu_seconds": ("CPU time", duration),
    "gpu_seconds": ("GPU time", duration),
    "tokens": ("Tokens", compact),
    "peak_bytes": ("Memory", memory),
}
"""Columns of what training cost, where it was measured."""


def _spent(row: Row, name: str, show: Callable[[float], str]) -> Item:
    value = row.spent(name)
    return Item("–") if value is None else Item(show(value), sort=value)


def _rank(row: Row, table: Table) -> Item:
    if row.rank is None:
        return Item("–", table.label(row))
    sure = row.overall
    places = f"{sure.rank_low}–{sure.rank_high}" if sure and sure.rank_high > sure.rank_low else ""
    front = "front" if row.rank.front and len(table.axes) > 1 else ""
    detail = ", ".join(filter(None, [front, places]))
    return Item(f"{row.rank.place}{'=' if row.rank.tied else ''}", detail, row.rank.place)


def _front(row: Row) -> Item:
    if row.rank is None or row.overall is None:
        return Item("–")
    return Item(percent(row.overall.p_front), sort=row.overall.p_front)


def _best_place(row: Row, name: str) -> Item:
    if row.rank is None or name not in row.standings:
        return Item("–")
    known = row.standings[name]
    places = (
        f"{known.rank_low}–{known.rank_high}"
        if known.rank_high > known.rank_low
        else str(known.rank_low)
    )
    return Item(percent(known.p_best), f"rank {places}", known.p_best)


def _headline(row: Row, name: str, table: Table) -> Item:
    """A headline metric; under a p-value its KS distance, and p by exchanging whole clusters."""
    item = _value(row.values.get(name))
    found = [
        row.values.get(other)
        for unit in ("KS statistic", "p-value")
        for other in table.behind(name, unit)
    ]
    shown = (
        f"{title_behind(v.name, name)} {v.text}"
        for v in found
        if v is not None and v.value is not None
    )
    return replace(item, more=tuple(shown)) if item.sort is not None else item


def title_behind(name: str, headline: str) -> str:
    """Shorten the name of what stands behind a p-value: forget_quality_author_p -> author p."""
    return name.removeprefix(f"{headline}_").replace("_", " ")


def _method(row: Row) -> Item:
    seeds = f"{len(row.seeds)} seeds" if len(row.seeds) > 1 else ""
    return Item(row.method, "; ".join([*filter(None, [seeds]), *row.marks]), row.method)


def _value(value: Value | None) -> Item:
    if value is None:
        return Item("–")
    if value.value is None:
        return Item(value.text, value.note)
    return Item(value.text, value.bounds, value.value if value.log10_p is None else value.log10_p)


def _delta(row: Row, name: str) -> Item:
    delta = row.deltas.get(name)
    return (
        Item("–")
        if delta is None
        else Item(number(delta.value, signed=True), delta.bounds, delta.value)
    )


def _best(row: Row, name: str) -> Item:
    if name not in row.best:
        return Item("–")
    item = _value(row.best[name])
    return Item(item.text, f"epoch {row.best_epochs}", item.sort)


def _size(row: Row, table: Table) -> Item:
    first = next((row.values[name] for name in table.primary if name in row.values), None)
    if first is None or not first.n:
        return Item("–")
    return Item(str(first.n), f"{first.n_clusters} clusters" if first.n_clusters else "", first.n)


def _time(row: Row) -> Item:
    if row.train_seconds is None:
        return Item("–")
    return Item(
        duration(row.train_seconds),
        "from the store" if row.trained_before else "",
        row.train_seconds,
    )
