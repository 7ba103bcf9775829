"""What `suite data` finds in a folder, worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite import UserError
from suite.api.data import Source
from suite.registry import Registry
from suite.report.data import Words, described, formats

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def made(registry: Registry, name: str, **settings):
    cls = registry.benchmark(name)
    return cls(cls.Config(**settings))


def source(data: Path, **options) -> Source:
    return Source(str(data), "default", tiny=False, tokens=Words(), **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tables = {
        "forget": [
            {"id": "a", "cluster": "c", "question": "Who wrote it?", "answer": "Ann."},
            {"id": "b", "cluster": "c", "question": "Why?", "answer": "For the money it brought."},
        ],
        "retain": [{"prompt": "who  wrote it?", "completion": "ann."}],
        "notes": [{"anything": 1}, {"other": 2}],
    }
    for name, rows in tables.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text)
    return tmp_path


def test_files_rows_clusters_lengths_and_overlaps(registry: Registry, folder: Path) -> None:
    found = described(made(registry, "forget"), source(folder, allow_overlap=True), "words")
    files = {file["file"]: file for file in found["files"]}
    assert files["forget.jsonl"]["columns"] == dict.fromkeys(
        ("id", "cluster", "question", "answer"), 2
    )
    assert files["notes.jsonl"]["columns"] == {"anything": 1, "other": 1}
    assert files["notes.jsonl"]["holds"] == "not read"
    forget, retain = found["trained"]
    assert forget == {
        "name": "forget",
        "rows": 2,
        "clusters": 1,
        "texts": 2,
        "shortest": 4,
        "median": 5.0,
        "longest": 6,
    }
    assert retain["rows"] == 1
    between = [overlap["between"] for overlap in found["overlaps"]]
    assert ["trained: forget", "trained: retain"] in between
    assert {overlap["texts"] for overlap in found["overlaps"]} <= {1, 2}
    lacking = {each["file"]: each["metrics"] for each in found["without"]}
    assert lacking["holdout"] == ["membership_auc"]
    assert set(lacking) == {"holdout", "alternate", "utility"}


def test_metrics_said_to_be_missing_are_those_without_a_value(
    registry: Registry, folder: Path
) -> None:
    """Of a folder with a forget file alone, against the scores themselves."""
    from suite import Generate, Generated, TextScore

    (folder / "retain.jsonl").unlink()
    benchmark = made(registry, "forget")
    found = described(benchmark, source(folder), "words")
    data = benchmark.load(source(folder))
    responses = {}
    for request in benchmark.requests(data):
        scored = TextScore(request.id, (-1.0, -1.0), (True, True))
        is_text = isinstance(request, Generate)
        responses[request.id] = Generated(request.id, ("Ann.",), (True,)) if is_text else scored
    metrics = benchmark.score(data, responses, None).metrics
    said = {name for each in found["without"] for name in each["metrics"]}
    assert said == {metric.name for metric in metrics if metric.note.endswith(" file")}


def test_what_a_run_refuses_is_refused_here(registry: Registry, folder: Path) -> None:
    (folder / "retain.jsonl").write_text('{"prompt": "a", "answer": "b"}\n')
    with pytest.raises(UserError, match="retain, row 1: a row has"):
        described(made(registry, "forget"), source(folder), "words")


@pytest.mark.parametrize("name", ["forget", "tofu", "preferences", "win_rate", "sentiment"])
def test_every_example_stands_in_the_docs(registry: Registry, name: str) -> None:
    page = (ROOT / "docs" / "data.md").read_text()
    examples = [row for file in formats(made(registry, name)) for row in file["examples"]]
    assert examples
    for example in examples:
        json.loads(example)
        assert example in page, example


def test_the_examples_of_own_data_are_read(registry: Registry, tmp_path: Path) -> None:
    for file in formats(made(registry, "forget")):
        rows = [row for row in file["examples"] if '"id"' in row or file["name"] != "forget"]
        (tmp_path / f"{file['name']}.jsonl").write_text("\n".join(rows))
    found = described(made(registry, "forget"), source(tmp_path), "words")
    assert found["without"] == []


@pytest.mark.parametrize("number", range(6))
def test_the_examples_of_pairs_are_read(registry: Registry, tmp_path: Path, number: int) -> None:
    (file,) = formats(made(registry, "preferences"))
    example = json.loads(file["examples"][number])
    other = json.loads(file["examples"][number].replace("Hi.", "Hey.").replace("Capital", "Head"))
    other |= {"instruction": "Read."} if "instruction" in other else {}
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(example) + "\n" + json.dumps(other))
    found = described(made(registry, "preferences", held_out=1), source(path), "words")
    pairs = next(part for part in found["trained"] if part["name"] == "pairs")
    assert (pairs["rows"], pairs["texts"]) == (1, 2)


def test_a_benchmark_that_declares_no_files_says_so(registry: Registry) -> None:
    with pytest.raises(UserError, match="does not say which files it reads"):
        formats(made(registry, "edit_distance"))
