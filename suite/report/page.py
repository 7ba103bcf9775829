"""leaderboard.html: one file that asks the network for nothing and is whole without JavaScript.

Its content security policy allows nothing but its own style sheet and its own script, each by its
hash: even markup that slipped through the escaping could neither run, nor load, nor send anything.
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
from suite.report.curves import learning_curves
from suite.report.displacement import displacement
from suite.report.footnotes import commands, deviations, lead, provenance, rest
from suite.report.frontier import frontier
from suite.report.numbers import listed
from suite.report.pairs import HEADERS, Pair, pairs
from suite.report.pictures import Picture, number_of, pictures
from suite.report.svg import PALETTE
from suite.report.table import Table
from suite.report.text import one_line, visible
from suite.report.trajectories import trajectories
from suite.report.values import Value, value_of
from suite.results.samples import Sample
from suite.results.schema import Results


@dataclass(frozen=True)
class View:
    """What the template shows of one table."""

    id: str
    table: Table
    columns: list[Column]
    groups: list[str]
    """Groups of columns that a reader may hide."""
    lead: list[str]
    """How it is ranked and how sure that is."""
    rest: list[str]
    """What the other columns are."""
    pairs: list[Pair]
    pictures: list[Picture]
    questions: list[Question]

    def dot(self, method: str) -> str:
        """Return the classes of the method's colour: with more methods than colours, of a ring or a square."""
        number = number_of(self.table, method)
        return (
            "base"
            if number is None
            else f"c{number % len(PALETTE)} round{number // len(PALETTE) % 3}"
        )

    def seed_value(self, result: CellResult, metric: str) -> Value:
        """Read one metric of one seed."""
        return value_of({known.name: known for known in result.metrics}, metric)


def as_html(
    results: Results, tables: Sequence[Table], samples: Mapping[str, Sequence[Sample]]
) -> str:
    """Render the page."""
    style, script = _source("style.css.jinja"), _source("script.js.jinja")
    page = _environment().get_template("leaderboard.html.jinja")
    return page.render(
        results=results,
        views=[
            _view(table, f"t{number}", samples, len(tables))
            for number, table in enumerate(tables, 1)
        ],
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


def _view(table: Table, name: str, samples: Mapping[str, Sequence[Sample]], count: int) -> View:
    shown = columns(table)
    groups = dict.fromkeys(
        column.group for column in shown if column.group not in ("rank", "method", "metric")
    )
    drawn = [
        *pictures(table, name, samples),
        *frontier(table, f"{name}-frontier"),
        *displacement(table, f"{name}-displacement"),
        *trajectories(table, f"{name}-course"),
        *learning_curves(table, f"{name}-curve"),
    ]
    return View(
        name,
        table,
        shown,
        list(groups),
        lead(table),
        rest(table),
        pairs(table),
        drawn,
        side_by_side(table, samples, -(-QUESTIONS // count)),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("suite.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["line"] = one_line
    environment.filters["listed"] = listed
    environment.filters["markup"] = Markup
    return environment


def _inert(value: Any) -> Any:
    """Show control characters; applied to every expression of the template, before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None, "set above"
    return environment.loader.get_source(environment, name)[0]


def _csp_hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
