"""The written report: same bytes, the old file or the new one, whole without script, no request."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from suite import report
from suite.results.samples import Sample, read_samples, write_samples
from suite.results.schema import Results, read, write

FILES = [
    "results.json",
    "leaderboard.json",
    "leaderboard.csv",
    "leaderboard.md",
    "leaderboard.html",
]
AGAIN = """
import sys
from pathlib import Path
from suite import report
from suite.results.schema import read
from suite.results.samples import read_samples
out = Path(sys.argv[1])
results = read(out / "results.json")
samples = read_samples(out / "samples", [r.cell.slug for r in results.cells])
report.write(results, Path(sys.argv[2]), samples)
"""


class Page(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.inside: dict[str, str] = {}
        self.last = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.last = tag
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.last = ""

    def handle_data(self, data: str) -> None:
        self.inside[self.last] = self.inside.get(self.last, "") + data


@pytest.fixture
def page(results: Results, samples: dict[str, list[Sample]], tmp_path: Path) -> Page:
    report.write(results, tmp_path, samples)
    return Page((tmp_path / "leaderboard.html").read_text(encoding="utf-8"))


def test_same_inputs_same_bytes(
    results: Results, samples: dict[str, list[Sample]], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    paths = report.write(results, first, samples)
    assert [path.name for path in paths if path.parent == first] == FILES
    figures = sorted(path.name for path in (first / "figures").iterdir())
    assert [path.name for path in sorted(paths) if path.parent != first] == figures
    assert {path.rpartition(".")[2] for path in figures} == {"svg", "pdf", "tex"}
    for slug, answers in samples.items():
        write_samples(first / "samples", slug, answers)
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", AGAIN, first, second], check=True, env=environment)
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    for name in figures:
        written = (first / "figures" / name).read_bytes()
        assert written == (second / "figures" / name).read_bytes(), name
    assert sorted(path.name for path in second.iterdir()) == sorted([*FILES, "figures"])


def test_a_write_that_fails_keeps_the_old_file(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    write(results, path)
    before = path.read_bytes()
    monkeypatch.setenv("SUITE_FAULT", "write.before_rename=raise")
    with pytest.raises(RuntimeError, match="fault planned"):
        write(report.merge([Results(results.run, results.comparisons, results.cells[:1])]), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


def test_page_asks_the_network_for_nothing(page: Page) -> None:
    assert not page.tags.keys() & {
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "audio",
        "video",
        "source",
    }
    for tag, name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "action", "srcset", "data", "poster"):
            assert value.startswith("#") or (tag, value) == ("link", "data:,"), (tag, name, value)
        assert "url(" not in value or value.startswith("url(#")
    assert "@import" not in page.inside["style"]
    assert "url(" not in page.inside["style"]
    assert not re.search(r"fetch|XMLHttp|WebSocket|import\(|eval|innerHTML", page.inside["script"])


def test_policy_names_the_only_script_and_style(page: Page) -> None:
    assert page.tags["script"] == page.tags["style"] == 1
    (policy,) = [
        value
        for tag, name, value in page.attributes
        if tag == "meta" and value.startswith("default-src")
    ]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.inside[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    # what the policy would block must not be there
    assert not [
        entry for entry in page.attributes if entry[1] == "style" or entry[1].startswith("on")
    ]


def test_page_is_well_formed(page: Page) -> None:
    ids = Counter(value for _, name, value in page.attributes if name == "id")
    assert max(ids.values()) == 1
    targets = {
        value[1:]
        for _, name, value in page.attributes
        if name in ("href", "xlink:href") and value[:1] == "#"
    }
    assert targets <= ids.keys()
    plots = [value for _, name, value in page.attributes if (name, value) == ("class", "plot")]
    assert len(plots) == 4
    assert page.tags["caption"] == 1
    scopes = [value for tag, name, value in page.attributes if tag == "th" and name == "scope"]
    assert len(scopes) == page.tags["th"]


def test_everything_is_there_without_script(page: Page) -> None:
    hidden = [tag for tag, name, _ in page.attributes if name == "hidden"]
    assert set(hidden) == {"label", "span", "p"}  # the tools alone, which need the script
    assert page.tags["details"] >= 10
    assert "1.9 × 10⁻¹¹⁹" in "".join(page.inside.values())


def test_questions_are_spread_over_the_sets(page: Page) -> None:
    questions = sum(
        1 for tag, name, value in page.attributes if (name, value) == ("class", "question")
    )
    assert questions == 10
    assert len(re.findall(r"world_facts/\d+", page.inside["span"])) == 5


def test_page_shows_the_first_of_several_samples_and_says_how_many_there_are(
    results: Results, samples: dict[str, list[Sample]], tmp_path: Path
) -> None:
    several: dict[str, list[Sample]] = {}
    for slug, answered in samples.items():
        several[slug] = [replace(sample, others=["unseen", "unseen"]) for sample in answered]
    report.write(results, tmp_path, several)
    text = (tmp_path / "leaderboard.html").read_text(encoding="utf-8")
    assert "(the first of 3 samples)" in text
    assert "unseen" not in text
    report.write(results, tmp_path, samples)
    assert "the first of" not in (tmp_path / "leaderboard.html").read_text(encoding="utf-8")


def test_page_without_samples_has_no_answers(results: Results, tmp_path: Path) -> None:
    report.write(results, tmp_path)
    page = Page((tmp_path / "leaderboard.html").read_text(encoding="utf-8"))
    assert "#answers" not in {value for _, _, value in page.attributes}
    plots = [value for _, name, value in page.attributes if (name, value) == ("class", "plot")]
    assert len(plots) == 3


def test_csv_has_every_number_of_every_seed(results: Results, tmp_path: Path) -> None:
    report.write(results, tmp_path)
    lines = list(
        csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text(encoding="utf-8")))
    )
    found = {
        (line["method"], line["seed"], line["metric"]): line["value"]
        for line in lines
        if line["checkpoint"] == "final"
    }
    for result in results.cells:
        for metric in result.metrics:
            shown = found[result.cell.method, str(result.cell.seed), metric.name]
            assert shown == ("" if metric.value is None else repr(metric.value))
    mean = float(found["npo", "mean", "model_utility"])
    assert mean == pytest.approx((0.31 + 0.31 * 0.98) / 2)
    assert {"simnpo", "npo:beta=20"} <= {line["method"] for line in lines}


def test_json_leaderboard_holds_ranks_and_seeds(results: Results, tmp_path: Path) -> None:
    report.write(results, tmp_path)
    (table,) = json.loads((tmp_path / "leaderboard.json").read_text())["tables"]
    rows = {row["method"]: row for row in table["rows"]}
    assert (rows["npo_rt"]["rank"], rows["npo_rt"]["tied"], rows["simnpo"]["rank"]) == (
        1,
        True,
        None,
    )
    assert [seed["seed"] for seed in rows["npo"]["seeds"]] == [0, 1]


def test_report_can_be_made_again_from_its_files(
    results: Results, samples: dict[str, list[Sample]], tmp_path: Path
) -> None:
    report.write(results, tmp_path, samples)
    for slug, answers in samples.items():
        write_samples(tmp_path / "samples", slug, answers)
    again = read(tmp_path / "results.json")
    assert again == results
    assert read_samples(tmp_path / "samples", [r.cell.slug for r in again.cells]) == samples


def test_importing_the_report_is_light() -> None:
    code = "import sys, suite.report, suite.results.schema; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {
        "torch",
        "pydantic",
        "jinja2",
        "matplotlib",
        "rich",
        "numpy",
        "pandas",
        "scipy",
    } & set(loaded)
