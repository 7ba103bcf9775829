"""Whatever models and plugins say is shown and can do nothing: HTML, Markdown, CSV, terminal."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile import EVERYTHING, HOSTILE, answers, poisoned
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from suite import report
from suite.report.page import as_html
from suite.report.pairs import HEADERS
from suite.report.pictures.plot import Drawing
from suite.report.robustness import HEADERS as ATTACK_HEADERS
from suite.report.table import tables
from suite.report.text import cell, markdown, visible
from suite.results.schema import Results

STEERING = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def steering(text: str) -> list[str]:
    return [c for c in text if unicodedata.category(c) in STEERING and c not in "\n\t\u200c\u200d"]


@pytest.fixture
def out(results: Results, tmp_path: Path) -> Path:
    hostile = poisoned(results, EVERYTHING)
    report.write(hostile, tmp_path, answers(hostile, EVERYTHING))
    return tmp_path


class Tags(HTMLParser):
    """Counts tags, and keeps what is not plain text apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.names: set[str] = set()
        self.other: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.names |= {name for name, _ in attrs}

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        self.other.append(data)


def html(results: Results, bad: str) -> str:
    """The page without pictures: drawing is what takes long."""
    hostile = poisoned(results, bad)
    shown = tables(hostile)
    none: list[list[Drawing]] = [[] for _ in shown]
    return as_html(hostile, shown, answers(hostile, bad), none, none)


def check_html(text: str, good: Tags) -> None:
    page = Tags(text)
    drawn = {"svg", "g", "path", "use", "defs", "rect", "clippath"}
    found, expected = (
        {k: v for k, v in one.tags.items() if k not in drawn} for one in (page, good)
    )
    assert found == expected
    assert page.names <= good.names
    assert page.other == []
    assert steering(text) == []


def test_html_of_each(results: Results) -> None:
    good = Tags(html(results, "benign"))
    for bad in HOSTILE:
        check_html(html(results, bad), good)


def test_html(results: Results, out: Path, tmp_path: Path) -> None:
    benign = poisoned(results, "benign")
    report.write(benign, tmp_path / "benign", answers(benign, "benign"))
    good = (tmp_path / "benign" / "leaderboard.html").read_text(encoding="utf-8")
    check_html((out / "leaderboard.html").read_text(encoding="utf-8"), Tags(good))


def test_names_of_figures_are_plain(out: Path) -> None:
    names = [path.name for path in (out / "figures").iterdir()]
    assert len(names) > 3
    assert [name for name in names if not re.fullmatch(r"[a-z0-9.-]+", name)] == []
    for path in (out / "figures").glob("*.svg"):
        assert "<script" not in path.read_text(encoding="utf-8")


def test_markdown(out: Path) -> None:
    text = (out / "leaderboard.md").read_text(encoding="utf-8")
    assert steering(text) == []
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = list(flat(parser.parse(text)))
    kinds = Counter(token.type for token in tokens)
    assert not kinds.keys() & {"link_open", "image", "html_block", "code_inline", "fence"}
    assert not kinds.keys() & {"em_open", "strong_open", "s_open"}
    assert {token.content for token in tokens if token.type == "html_inline"} <= {
        "<br>",
        "<sub>",
        "</sub>",
    }
    assert kinds["table_open"] == 3  # the board, attacks, and pairs of methods
    assert kinds["heading_open"] == 5
    assert kinds["code_block"] == 1
    assert kinds["bullet_list_open"] == 3
    assert not re.search(r"www\.|(?<!\\)://", text.split("To reproduce these results")[0])
    columns = kinds["th_open"] - len(HEADERS) - len(ATTACK_HEADERS)
    attacked = 3 * len(ATTACK_HEADERS)
    assert kinds["td_open"] == columns * 9 + len(HEADERS) + attacked


def flat(tokens: list) -> Iterator:  # type: ignore[type-arg]
    for token in tokens:
        yield token
        yield from token.children or ()


def test_csv(out: Path) -> None:
    text = (out / "leaderboard.csv").read_text(encoding="utf-8")
    assert steering(text) == []
    lines = list(csv.reader(io.StringIO(text)))
    assert {len(line) for line in lines} == {len(lines[0])}
    for line in lines:
        for content in line:
            number = re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", content)
            assert number or not content.startswith(("=", "+", "-", "@", "\t", "\r")), content


def test_json_files_are_ascii(out: Path) -> None:
    for name in ("results.json", "leaderboard.json"):
        text = (out / name).read_text(encoding="ascii")
        assert steering(text) == []
        assert "\x7f" not in text


@pytest.mark.parametrize("bad", [*HOSTILE, EVERYTHING])
def test_terminal(results: Results, bad: str) -> None:
    stream = io.StringIO()
    report.terminal(poisoned(results, bad), Console(file=stream, width=160, color_system=None))
    text = stream.getvalue()
    assert steering(text) == []
    assert "ranked by forget_quality" in text
    if "markup" in bad:
        assert "[red]" in text.replace("\n", "")


@given(st.text(st.characters(codec=None)))
def test_nothing_steers_after_visible(text: str) -> None:
    assert steering(visible(text)) == []
    assert visible(visible(text)) == visible(text)
    visible(text).encode("utf-8")


@given(st.text(st.sampled_from("ab1 <>[]()!|`*_~#&:/.w@\\-+=\n$")))
def test_markdown_shows_exactly_the_text(text: str) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = list(flat(parser.parse(f"x {markdown(text)} x")))
    assert {token.type for token in tokens} <= {
        "paragraph_open",
        "inline",
        "text",
        "paragraph_close",
        "text_special",
    }
    shown = "".join(token.content for token in tokens if token.type.startswith("text"))
    assert shown == f"x {' '.join(text.split())} x".replace("x  x", "x  x")


@given(st.text())
def test_csv_cells_are_never_formulas(text: str) -> None:
    assert not cell(text).startswith(("=", "+", "-", "@"))
