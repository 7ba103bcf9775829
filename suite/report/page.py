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
from suite.report.colours import style_rules
from suite.report.columns import HEADLINE, Column, columns
from suite.report.footnotes import lead, rest
from suite.report.numbers import listed
from suite.report.outcome import describe_outcome
from suite.report.pairs import HEADERS, Pair, pairs
from suite.report.pictures.marks import colour, marker_of, outline
from suite.report.pictures.plot import Drawing
from suite.report.provenance import commands, deviations, provenance
from suite.report.robustness import HEADERS as ATTACK_HEADERS
from suite.report.robustness import Line, lines, sentences
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
    """Groups of columns that are folded away at first, and that a reader can hide."""
    outcome: list[str]
    """What the table says, in a sentence or two."""
    meanings: list[tuple[str, str]]
    """Headline quantity -> what it is, in one sentence."""
    lead: list[str]
    """Notes on the ranks and how sure they are."""
    rest: list[str]
    """Notes on the other columns."""
    pairs: list[Pair]
    pictures: list[Drawing]
    attacks: list[Line]
    """What attacks found; empty: there were none."""
    attacks_told: list[str]
    """How to read it."""
    attack_pictures: list[Drawing]
    questions: list[Question]

    def paint(self, method: str) -> str:
        """Return the style sheet's class for the method's colour."""
        index = colour(self.table, method)
        return "base" if index is None else f"c{index}"

    def mark(self, method: str) -> str:
        """Return the method's mark, as in the pictures, as the data of an SVG path."""
        return outline(marker_of(self.table, method))

    def seed_value(self, result: CellResult, metric: str) -> Value:
        """Read one metric of one seed."""
        return value_of(by_name(result.metrics), metric)


def as_html(
    results: Results,
    tables: Sequence[Table],
    samples: Mapping[str, Sequence[Sample]],
    pictures: Sequence[Sequence[Drawing]],
    attacks: Sequence[Sequence[Drawing]],
) -> str:
    """Render the page; `pictures`, `attacks`: the drawings of each table, and of its attacks."""
    style = _read_source("style.css.jinja") + style_rules()
    script = _read_source("script.js.jinja")
    page = _environment().get_template("leaderboard.html.jinja")
    views = []
    limit = -(-QUESTIONS // max(1, len(tables)))
    for number, table in enumerate(tables, 1):
        drawn, attacked = pictures[number - 1], attacks[number - 1]
        questions = side_by_side(table, samples, limit)
        views.append(_build_view(table, f"t{number}", drawn, attacked, questions))
    return page.render(
        results=results,
        views=views,
        provenance=provenance(results),
        deviations=deviations(results),
        commands=commands(results.run),
        config=json.dumps(results.run.config, indent=2, sort_keys=True),
        pair_headers=HEADERS,
        attack_headers=ATTACK_HEADERS,
        style=Markup(style),
        script=Markup(script),
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
    )


def _build_view(
    table: Table,
    name: str,
    pictures: Sequence[Drawing],
    attacked: Sequence[Drawing],
    questions: list[Question],
) -> View:
    shown = columns(table)
    groups = dict.fromkeys(column.group for column in shown)
    return View(
        id=name,
        table=table,
        columns=shown,
        groups=[group for group in groups if group not in HEADLINE],
        outcome=describe_outcome(table),
        meanings=_collect_meanings(table),
        lead=lead(table),
        rest=rest(table),
        pairs=pairs(table),
        pictures=list(pictures),
        attacks=lines(table),
        attacks_told=list(sentences(table)),
        attack_pictures=list(attacked),
        questions=questions,
    )


def _collect_meanings(table: Table) -> list[tuple[str, str]]:
    """Return (headline quantities, what they are); those of one meaning stand together."""
    titles: dict[str, list[str]] = {}
    for metric in table.primary:
        titles.setdefault(table.meaning(metric), []).append(table.heading(metric))
    return [("; ".join(names), meaning) for meaning, names in titles.items() if meaning]


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
