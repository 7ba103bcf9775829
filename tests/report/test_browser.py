"""The page in a real browser: it sorts, filters, searches, fits a phone, follows dark mode, asks
nobody for anything.

Debian's chromium, driven by playwright, opens the file itself. What is looked at is what the
browser shows.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hostile import EVERYTHING, answers, evidence, poisoned
from playwright.sync_api import Browser, Page, sync_playwright

from suite import report
from suite.results.samples import Sample
from suite.results.schema import Results

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium here; `apt-get install chromium` (.ci/run does)"
)

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@dataclass
class Watched:
    """A page, and everything that went wrong or left the machine."""

    page: Page
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    """Requests that the page's own policy stopped before they left."""

    def check(self) -> None:
        assert self.said == []
        assert [url for url in self.requests if not url.startswith(("file:", "data:"))] == []
        assert sum(url.startswith("file:") for url in self.requests) == 1  # the page itself


Opened = Callable[..., Watched]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    pages = []

    def visit(file: Path, **settings: Any) -> Watched:
        page = browser.new_page(**{"viewport": DESK, **settings})
        pages.append(page)
        watched = Watched(page)
        page.on("console", lambda message: watched.said.append(message.text))
        page.on("pageerror", lambda error: watched.said.append(str(error)))
        page.on("dialog", lambda dialog: watched.said.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: watched.requests.append(request.url))
        page.on("requestfailed", lambda request: watched.blocked.append(request.url))
        page.goto(file.as_uri(), wait_until="load")
        return watched

    yield visit
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def file(
    results: Results, samples: dict[str, list[Sample]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("report")
    report.write(results, folder, samples)
    return folder / "leaderboard.html"


def methods(page: Page) -> list[str]:
    """The ranked rows that are visible, in their order."""
    shown = page.locator("tbody.methods tr:visible")
    return [row.get_attribute("data-sort") or "" for row in shown.locator("th.method").all()]


def unfold(page: Page) -> None:
    """Show intervals, certainty and cost."""
    page.locator(".button").first.click()


def numbers(page: Page, header: str) -> list[float]:
    """What a column's cells are sorted by, top to bottom, missing ones left out."""
    script = """header => {
        const table = document.querySelector("table.board");
        const headers = [...table.tHead.rows[0].cells];
        const column = headers.find(cell => cell.innerText.startsWith(header)).cellIndex;
        const rows = [...table.querySelectorAll("tbody.methods tr")];
        return rows.map(row => row.cells[column].dataset.sort);
    }"""
    return [float(text) for text in page.evaluate(script, header) if text]


def test_sorts_by_a_column_both_ways(opened: Opened, file: Path) -> None:
    watched = opened(file)
    button = watched.page.locator("table.board thead button", has_text="model utility").first
    before = methods(watched.page)
    button.click()
    up = numbers(watched.page, "model utility")
    button.click()
    down = numbers(watched.page, "model utility")
    assert up == sorted(up) and down == sorted(up, reverse=True) and len(set(up)) > 2
    assert sorted(methods(watched.page)) == sorted(before)
    assert (
        watched.page.locator("table.board th[aria-sort=descending]")
        .inner_text()
        .startswith("model utility")
    )
    # a row without a number stays below the others, whichever way the column is sorted
    assert set(methods(watched.page)[-2:]) == {"npo:beta=20", "simnpo"}
    watched.check()


def test_filters_rows_and_hides_columns(opened: Opened, file: Path) -> None:
    watched = opened(file)
    watched.page.locator(".filter").fill("npo_")
    assert methods(watched.page) == ["npo_rt"]
    watched.page.locator(".filter").fill("")
    unfold(watched.page)
    box = watched.page.locator(".toggles input").first
    column = watched.page.locator(f"table.board .{box.get_attribute('value')}:visible")
    assert column.count() > 3
    box.uncheck()
    assert column.count() == 0
    watched.check()


def test_finds_and_opens_a_sample(opened: Opened, file: Path) -> None:
    watched = opened(file)
    every = watched.page.locator(".question:visible").count()
    watched.page.locator("#search").fill("capital of country")
    found = watched.page.locator(".question:visible")
    assert 0 < found.count() < every
    assert watched.page.locator("#found").inner_text() == f"{found.count()} found"
    answer = found.first.locator(".answers > div", has_text="It is Porto (npo_rt).")
    assert not answer.is_visible()
    found.first.locator("summary").click()
    assert answer.is_visible()
    assert found.first.locator("dd", has_text="Porto").first.is_visible()
    watched.check()


def test_shows_how_sure_a_place_is(opened: Opened, results: Results, tmp_path: Path) -> None:
    comparison = replace(
        results.comparisons[0], evidence=evidence(""), reference_point={"model_utility": 0.0}
    )
    report.write(replace(results, comparisons=(comparison,)), tmp_path)
    page = (watched := opened(tmp_path / "leaderboard.html")).page
    unfold(page)
    heads = page.locator("table.board thead th")
    assert {"P(front)", "P(best) model utility"} <= {
        " ".join(head.inner_text().split()) for head in heads.all()
    }
    row = page.locator("tbody.methods tr", has=page.locator('th[data-sort="npo"]'))
    assert "50 % rank 1–2" in " ".join(row.inner_text().split())
    assert (
        page.locator(
            "p.how:visible", has_text="the share of draws in which a method is first"
        ).count()
        == 1
    )
    pairs = page.locator("details", has_text="Every pair of methods: 1 comparison").last
    assert not pairs.locator("table").is_visible()
    pairs.locator("summary").click()
    assert "may be chance" in pairs.locator("tbody").inner_text()
    watched.check()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_fits_the_screen(opened: Opened, file: Path, viewport: dict[str, int]) -> None:
    watched = opened(file, viewport=viewport)
    for summary in watched.page.locator("summary:visible").all():
        summary.click()
    width = watched.page.evaluate("document.documentElement.scrollWidth")
    assert width <= viewport["width"]
    sizes = watched.page.evaluate(
        "[...document.querySelectorAll('td, dd, li, p')].map(e => "
        "parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 11
    watched.check()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(opened: Opened, file: Path, scheme: str) -> None:
    watched = opened(file, color_scheme=scheme)
    script = """() => {
        const luminance = colour => {
            const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
                .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
            return .2126 * r + .7152 * g + .0722 * b;
        };
        const ground = e => {
            for (; e; e = e.parentElement) {
                const colour = getComputedStyle(e).backgroundColor;
                if (!colour.endsWith(", 0)")) return luminance(colour);
            }
            return 1;
        };
        const texts = "td, td small, th, h1, h2, dt, dd, li, p, figcaption, .badge";
        return [...document.querySelectorAll(texts)].map(e => {
            const [a, b] = [luminance(getComputedStyle(e).color), ground(e)];
            return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.outerHTML.slice(0, 80)];
        });
    }"""
    contrasts = watched.page.evaluate(script)
    assert [found for found in contrasts if found[0] < 4.5] == []  # WCAG 2.1 AA
    ground = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground.removeprefix("rgb(").rstrip(")").split(","))) < 150) is (
        scheme == "dark"
    )
    ink = watched.page.evaluate(
        "getComputedStyle(document.querySelector('figure svg [fill=\"#1c2230\"]')).fill"
    )
    assert (ink == "rgb(28, 34, 48)") is (scheme == "light")  # the pictures' ink follows
    watched.check()


def test_is_whole_without_javascript(opened: Opened, file: Path) -> None:
    watched = opened(file, java_script_enabled=False)
    assert methods(watched.page)[:2] == ["npo_rt", "npo"]
    assert not watched.page.locator(".find").first.is_visible()
    assert watched.page.locator("table.board .fold:visible").count() == 0
    unfold(watched.page)  # the button needs no script
    assert watched.page.locator("table.board .fold:visible").count() > 10
    question = watched.page.locator(".question").first
    question.locator("summary").click()
    assert question.locator(".answers").is_visible()
    assert watched.page.locator("figure svg").first.is_visible()
    watched.check()


def test_hostile_text_is_inert(opened: Opened, results: Results, tmp_path: Path) -> None:
    hostile = poisoned(results, EVERYTHING)
    report.write(hostile, tmp_path, answers(hostile, EVERYTHING))
    watched = opened(tmp_path / "leaderboard.html")
    page = watched.page
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, a[href^=http], a[href^=javascript]").count() == 0
    for summary in page.locator("summary:visible").all():
        summary.click()
    assert "<script>alert(1)</script>" in page.locator(".answers").first.inner_text()
    watched.check()
    # even markup that slipped through the escaping could do nothing
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'ran'";
        const image = document.createElement("img");
        image.src = "https://evil.example/x.png";
        document.body.append(script, image);
    }""")
    assert page.title() != "ran"
    assert (
        all("Content Security Policy" in line for line in watched.said) and len(watched.said) >= 2
    )
    assert watched.blocked == ["https://evil.example/x.png"]


def place(page: Page, selector: str) -> dict[str, float]:
    """Where the first such element is, in pixels of the page."""
    found = page.locator(selector).first.bounding_box()
    assert found is not None
    return {**found, "bottom": found["y"] + found["height"]}  # type: ignore[typeddict-item]


def test_headline_and_picture_are_on_the_first_screen(opened: Opened, file: Path) -> None:
    page = opened(file, viewport={"width": 1280, "height": 800}).page
    ranked = page.locator("tbody.methods tr").all()
    for cell in ("td.rank", "th.method", "td.metric"):
        assert place(page, f"tbody.methods {cell}")["bottom"] < 400
    assert all((row.bounding_box() or {"y": 9e9})["y"] < 800 for row in ranked)
    assert place(page, "figure svg.plot")["bottom"] <= 800
    assert page.locator("table.board tbody.methods tr").first.locator("td.metric").count() == 2
    assert page.locator("dl.meanings").first.locator("dd").count() == 2
    assert place(page, "dl.meanings")["bottom"] < 800
    # The axes say what the table says.
    heads = [" ".join(h.inner_text().split()) for h in page.locator("th.metric").all()]
    assert heads == ["forget quality (D) ↓", "model utility ↑"]
    caption = page.locator("figcaption").first.inner_text()
    assert caption.startswith("Forget quality (D) against model utility,")


def test_the_button_folds_certainty(opened: Opened, file: Path) -> None:
    page = opened(file).page
    fold = page.locator("table.board .fold:visible")
    assert fold.count() == 0
    unfold(page)
    assert fold.count() > 10
    unfold(page)
    assert fold.count() == 0


def test_a_path_is_shown_on_pointing_at_its_mark_or_row(opened: Opened, file: Path) -> None:
    page = opened(file).page
    shown = (
        "() => [...document.querySelectorAll('.plot .path')]"
        ".filter(path => getComputedStyle(path).opacity == 1).length"
    )
    assert page.evaluate(shown) == 0
    page.locator(".plot .mark").last.focus()
    assert page.evaluate(shown) == 1
    page.locator(".plot .mark").last.evaluate("mark => mark.blur()")
    page.locator("tbody.methods tr").first.hover()
    assert page.evaluate(shown) == 1


def test_every_method_has_its_colour_and_mark(opened: Opened, file: Path) -> None:
    page = opened(file).page
    looks = page.evaluate(
        "[...document.querySelectorAll('tbody.methods svg.mark')].map(mark => "
        "[getComputedStyle(mark).color, mark.firstChild.getAttribute('d')])"
    )
    assert len(looks) == 7
    assert len({colour for colour, _ in looks}) == len({mark for _, mark in looks}) == 7
    drawn = page.evaluate(
        "[...document.querySelectorAll('figure:first-of-type .plot .mark [fill]')]"
        ".map(mark => getComputedStyle(mark).fill)"
    )
    assert {colour for colour in drawn if colour != "none"} - {"rgb(28, 34, 48)"} <= {
        colour for colour, _ in looks
    }
