"""The columns of a leaderboard, the same in Markdown, HTML and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from suite.api.pictures import MetricColumn
from suite.compare.hypervolume import NAME as HYPERVOLUME
from suite.report.numbers import compact, duration, memory, number, percent
from suite.report.table import Row, Table
from suite.report.values import Value
from suite.results.evidence import Standing


@dataclass(frozen=True)
class Item:
    """One cell of a leaderboard."""

    text: str
    detail: str = ""
    """Shown smaller, below or after the text."""
    sort: float | str | None = None
    """The key that the column is sorted by; None goes last."""
    more: tuple[str, ...] = ()
    """A second line of detail."""


NOTHING = Item("–")
HEADLINE = ("rank", "method", "metric", "more")
"""Groups of columns that a page shows at first; the others are folded away."""


@dataclass(frozen=True)
class Column:
    """One column of a leaderboard."""

    title: str
    group: Literal[
        "rank", "method", "metric", "more", "sure", "volume", "delta", "best", "size", "time"
    ]
    item: Callable[[Row], Item]
    arrow: str = ""
    """The direction in which the numbers get better."""
    help: str = ""
    """What the numbers are, in a few words."""


def columns(table: Table) -> list[Column]:
    """List the columns for which `table` has something to show."""
    return [
        Column("Rank", "rank", partial(_show_rank, table=table)),
        Column("Method", "method", _show_method),
        *_headline_columns(table),
        *_declared_columns(table),
        *_certainty_columns(table),
        *_hypervolume_column(table),
        *_difference_columns(table),
        *_best_epoch_columns(table),
        Column("n", "size", partial(_show_size, table=table)),
        *_cost_columns(table),
    ]


def _headline_columns(table: Table) -> Iterator[Column]:
    for name in table.primary:
        show = partial(_show_headline, name=name, table=table)
        arrow = table.direction(table.quantity(name))
        yield Column(table.heading(name), "metric", show, arrow, table.meaning(name))


def _declared_columns(table: Table) -> Iterator[Column]:
    """Show the further metrics that the benchmark declares and that any row reports."""
    for declared in table.outputs.columns:
        if declared.below or declared.metric in table.primary:
            continue  # it has a place in the column of a headline metric
        if table.values_of(declared.metric):
            show = partial(_show_metric, name=declared.metric)
            arrow = table.direction(declared.metric)
            yield Column(title_of(declared), "more", show, arrow, declared.help)


def title_of(declared: MetricColumn) -> str:
    """Return the title of a declared column."""
    return declared.title or declared.metric


def _certainty_columns(table: Table) -> Iterator[Column]:
    several_axes = len(table.axes) > 1
    if any(row.overall for row in table.ranked):
        if several_axes:
            text = "share of draws in which no other method dominates it"
            yield Column("P(front)", "sure", _show_p_front, help=text)
        else:
            text = "share of draws in which it is first"
            yield Column("P(best)", "sure", _show_p_front, help=text)
    if not several_axes:
        return  # the rank on the only metric is the overall rank
    for name in table.axes:
        if any(name in row.standings for row in table.ranked):
            text = (
                "share of draws in which it is first on this metric; "
                "below: the ranks that it may have on it"
            )
            yield Column(f"P(best) {name}", "sure", partial(_show_p_best, name=name), help=text)


def _hypervolume_column(table: Table) -> Iterator[Column]:
    if table.comparison.reference_point and table.values_of(HYPERVOLUME):
        text = "volume between the final checkpoint and the reference point"
        yield Column(HYPERVOLUME, "volume", _show_hypervolume, "↑", text)


def _difference_columns(table: Table) -> Iterator[Column]:
    for name in table.primary:
        if any(name in row.deltas for row in table.rows):
            title = f"{name} − {table.comparison.baseline}"
            yield Column(title, "delta", partial(_show_difference, name=name))


def _best_epoch_columns(table: Table) -> Iterator[Column]:
    if any(row.best for row in table.rows):
        for name in table.primary:
            quantity = table.quantity(name)
            show = partial(_show_best_epoch, name=quantity)
            title = f"{table.heading(name)}, best epoch"
            yield Column(title, "best", show, table.direction(quantity))


COSTS: dict[str, tuple[str, Callable[[float], str]]] = {
    "cpu_seconds": ("CPU time", duration),
    "gpu_seconds": ("GPU time", duration),
    "tokens": ("Tokens", compact),
    "peak_bytes": ("Memory", memory),
}
"""Fields of `Timing` that have a column: its title, and how a number is shown."""


def _cost_columns(table: Table) -> Iterator[Column]:
    if any(row.train_seconds is not None for row in table.rows):
        yield Column("Training", "time", _show_train_seconds)
    for name, (title, show) in COSTS.items():
        # A cost that is 0 everywhere, such as GPU time on a CPU, gets no column.
        if any(row.spent(name) for row in table.rows):
            yield Column(title, "time", partial(_show_cost, name=name, show=show))


def _show_rank(row: Row, table: Table) -> Item:
    if row.rank is None:
        return Item("–", table.label(row))
    front = "front" if row.rank.front and len(table.axes) > 1 else ""
    return Item(row.rank.text, front, row.rank.place)


def _format_ranks(known: Standing) -> str:
    if known.rank_high > known.rank_low:
        return f"{known.rank_low}–{known.rank_high}"
    return str(known.rank_low)


def _show_method(row: Row) -> Item:
    counts = {"starts": len(row.start_seeds), "seeds": len(row.seeds)}
    several = [f"{count} {name}" for name, count in counts.items() if count > 1]
    more = (" × ".join(several),) if several else ()
    return Item(row.method, "; ".join(row.marks), row.method, more)


def _show_headline(row: Row, name: str, table: Table) -> Item:
    """Show a headline metric, with the declared metrics that stand below it."""
    quantity = table.quantity(name)
    item = _show_value(row.values.get(quantity))
    if item.sort is None:
        return item
    more = []
    if quantity != name and name in row.values:
        p = row.values[name]
        more.append(f"p {p.text} ({p.bounds})" if p.bounds else f"p {p.text}")
    for declared in table.below(name):
        value = row.values.get(declared.metric)
        if value is not None and value.value is not None:
            more.append(f"{title_of(declared).replace('_', ' ')} {value.text}")
    return replace(item, more=tuple(more))


def _show_value(value: Value | None) -> Item:
    if value is None:
        return NOTHING
    if value.value is None:
        return Item(value.text, value.note)
    return Item(value.text, value.bounds, value.on_axis)


def _show_metric(row: Row, name: str) -> Item:
    return _show_value(row.values.get(name))


def _show_p_front(row: Row) -> Item:
    if row.rank is None or row.overall is None:
        return NOTHING
    return Item(percent(row.overall.p_front), sort=row.overall.p_front)


def _show_p_best(row: Row, name: str) -> Item:
    if row.rank is None or name not in row.standings:
        return NOTHING
    known = row.standings[name]
    return Item(percent(known.p_best), f"rank {_format_ranks(known)}", known.p_best)


def _show_hypervolume(row: Row) -> Item:
    return _show_value(row.values.get(HYPERVOLUME))


def _show_difference(row: Row, name: str) -> Item:
    delta = row.deltas.get(name)
    if delta is None:
        return NOTHING
    return Item(number(delta.value, signed=True), delta.bounds, delta.value)


def _show_best_epoch(row: Row, name: str) -> Item:
    if name not in row.best:
        return NOTHING
    item = _show_value(row.best[name])
    return Item(item.text, f"epoch {row.best_epochs}", item.sort)


def _show_size(row: Row, table: Table) -> Item:
    """Show the number of questions behind the first headline metric that the row has."""
    first = next((row.values[name] for name in table.primary if name in row.values), None)
    if first is None or not first.n:
        return NOTHING
    clusters = f"{first.n_clusters} clusters" if first.n_clusters else ""
    return Item(str(first.n), clusters, first.n)


def _show_train_seconds(row: Row) -> Item:
    if row.train_seconds is None:
        return NOTHING
    source = "from the store" if row.trained_before else ""
    return Item(duration(row.train_seconds), source, row.train_seconds)


def _show_cost(row: Row, name: str, show: Callable[[float], str]) -> Item:
    cost = row.spent(name)
    return NOTHING if cost is None else Item(show(cost), sort=cost)
