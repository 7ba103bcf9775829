"""leaderboard.html: a single file that loads nothing from the network and works without JavaScript.

Its content security policy allows only its own style sheet and its own script, each by its hash.
Markup from a model's text that slipped through the escaping could still not run, load or send
anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from suite.api.cells import CellResult
from suite.report.answers import QUESTIONS, Question, side_by_side
from suite.report.columns import Column, columns
from suite.report.footnotes import lead, rest
from suite.report.numbers import listed
from suite.report.pairs import HEADERS, Pair, pairs
from suite.report.pictures.draw import draw_pictures
from suite.report.pictures.plot import Drawing, number_of
from suite.report.provenance import commands, deviations, provenance
from suite.report.svg import PALETTE
from suite.report.table import Table
from suite.report.text import one_line, visible
from suite.report.values import Value, by_name, value_of
from suite.results.samples import Sample
from suite.results.schema import Results


@dataclass(frozen=True)
class View:
    """What the template shows of one table."""

    id: str
    table: Table
    columns: list[Column]
    groups: list[str]
    """Groups of columns that a reader can hide."""
    lead: list[str]
    """Notes on the ranks and how sure they are."""
    rest: list[str]
    """Notes on the other columns."""
    pairs: list[Pair]
    pictures: list[Drawing]
    questions: list[Question]

    def dot(self, method: str) -> str:
        """Return the style sheet's classes for the method's colour.

        With more methods than colours, the colours are used again as rings and as squares.
        """
        number = number_of(self.table, method)
        if number is None:
            return "base"
        return f"c{number % len(PALETTE)} round{number // len(PALETTE) % 3}"

    def seed_value(self, result: CellResult, metric: str) -> Value:
        """Read one metric of one seed."""
        return value_of(by_name(result.metrics), metric)


def as_html(
    results: Results, tables: Sequence[Table], samples: Mapping[str, Sequence[Sample]]
) -> str:
    """Render the page."""
    style, script = _read_source("style.css.jinja"), _read_source("script.js.jinja")
    page = _environment().get_template("leaderboard.html.jinja")
    views = []
    for number, table in enumerate(tables, 1):
        views.append(_build_view(table, f"t{number}", samples, len(tables)))
    return page.render(
        results=results,
        views=views,
        provenance=provenance(results),
        deviations=deviations(results),
        commands=commands(results.run),
        config=json.dumps(results.run.config, indent=2, sort_keys=True),
        pair_headers=HEADERS,
        style=Markup(style),
        script=Markup(script),
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
    )


def _build_view(
    table: Table, name: str, samples: Mapping[str, Sequence[Sample]], tables: int
) -> View:
    shown = columns(table)
    groups = dict.fromkeys(column.group for column in shown)
    always_shown = ("rank", "method", "metric")
    return View(
        id=name,
        table=table,
        columns=shown,
        groups=[group for group in groups if group not in always_shown],
        lead=lead(table),
        rest=rest(table),
        pairs=pairs(table),
        pictures=draw_pictures(table, name, samples),
        questions=side_by_side(table, samples, -(-QUESTIONS // tables)),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("suite.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_make_inert,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["line"] = one_line
    environment.filters["listed"] = listed
    environment.filters["markup"] = Markup
    return environment


def _make_inert(value: Any) -> Any:
    """Show control characters. jinja calls this on every expression, before it escapes it."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value


def _read_source(name: str) -> str:
    """Read a style sheet or script as it is: its hash must be that of the text in the page."""
    environment = _environment()
    assert environment.loader is not None, "set above"
    return environment.loader.get_source(environment, name)[0]


def _csp_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
