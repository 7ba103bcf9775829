"""results.json and the samples: what is read is what was written, and what is wrong is refused."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.api.cells import Cell, Timing, TrajectoryPoint
from suite.api.scores import Metric
from suite.core.errors import CorruptError, MissingError, UserError
from suite.results.samples import Sample, read_samples, write_samples
from suite.results.schema import Results, dumps, json_schema, loads, read, write

TEXT = st.text(st.characters(codec=None), max_size=60)  # lone surrogates too


def with_metric(results: Results, metric: Metric) -> Results:
    first, *others = results.cells
    return replace(results, cells=(replace(first, metrics=(metric,)), *others))


def test_round_trip(results: Results, tmp_path: Path) -> None:
    write(results, tmp_path / "new" / "results.json")
    assert read(tmp_path / "new" / "results.json") == results


def test_the_file_follows_its_schema(results: Results) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = json.loads(dumps(results))
    jsonschema.validate(document, json_schema())
    document["cells"][0]["metrics"][0]["value"] = "high"
    with pytest.raises(jsonschema.ValidationError, match="high"):
        jsonschema.validate(document, json_schema())


def test_schema_knows_every_field(results: Results) -> None:
    defined = json_schema()["$defs"]["CellResult"]["properties"]
    assert set(json.loads(dumps(results))["cells"][0]) == set(defined)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(results: Results, bad: float) -> None:
    with pytest.raises(
        UserError, match=r"target on tofu forget05, tiny, seed 0: final metric x is"
    ):
        dumps(with_metric(results, Metric("x", bad, True)))
    with pytest.raises(UserError, match="metric x is"):
        dumps(with_metric(results, Metric("x", 0.5, True, ci_low=bad, ci_high=1.0)))
    first = results.cells[0]
    for changed in (
        replace(first, trajectory=(TrajectoryPoint(2, 14, {"x": bad}),)),
        replace(first, timings={"train": Timing(bad)}),
        replace(
            results.cells[2], best=replace(results.cells[2].best, metrics=(Metric("x", bad, True),))
        ),
    ):
        rest = [cell for cell in results.cells if cell.cell != changed.cell]
        with pytest.raises(
            UserError, match=r"seed 0: (metric x after epoch 2|a timing|best metric x) is"
        ):
            dumps(replace(results, cells=(changed, *rest)))


def test_a_missing_number_needs_a_reason(results: Results) -> None:
    with pytest.raises(UserError, match="metric x is null without a reason"):
        dumps(with_metric(results, Metric("x", None, True)))
    assert loads(dumps(with_metric(results, Metric("x", None, True, note="no retrain model"))))


def test_a_cell_stands_once_and_belongs_to_a_comparison(results: Results) -> None:
    with pytest.raises(UserError, match=r"target on tofu .* twice"):
        dumps(replace(results, cells=(*results.cells, results.cells[0])))
    with pytest.raises(UserError, match="no comparison"):
        dumps(replace(results, comparisons=()))
    with pytest.raises(UserError, match="failed without a reason"):
        dumps(replace(results, cells=(replace(results.cells[0], status="failed"),)))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            '"schema_version":2',
            '"schema_version":3',
            "schema_version is 3, but this program reads 1 and 2",
        ),
        ('"seed":0', '"seed":"0"', r"cells\.0\.cell\.seed: .*integer"),
        ('"seed":0', '"seeed":0', r"cells\.0\.cell\.seed: missing|Unexpected|required"),
        ('"status":"ok"', '"status":"fine"', r"cells\.0\.status"),
        ('"value":0.62', '"value":NaN', r"metric model_utility is nan"),
        ('"value":0.62', '"value":null', r"metric model_utility is null"),
        ('"run"', "run", "not a results file"),
    ],
)
def test_damaged_files_are_refused(
    results: Results, tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    text = dumps(results)
    assert old in text
    path = tmp_path / "results.json"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(CorruptError, match=complaint) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_truncated_and_missing_files(results: Results, tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text(dumps(results)[:5000])
    with pytest.raises(CorruptError, match=r"half\.json"):
        read(tmp_path / "half.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(CorruptError, match="not a results file"):
        read(tmp_path / "list.json")
    with pytest.raises(MissingError, match=r"none\.json"):
        read(tmp_path / "none.json")


@given(TEXT)
def test_any_text_is_written_as_ascii_json(note: str) -> None:
    from suite.results.schema import Run

    run = Run("suite run", "hf", "float32", "chat", "cpu", notes=(note,))
    text = dumps(Results(run, (), ()))
    assert text.isascii()
    assert "\x1b" not in text
    (read_back,) = loads(text).run.notes
    assert read_back == note.encode("utf-8", "replace").decode()


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
CELLS = st.builds(Cell, NAMES, NAMES, NAMES, NAMES, st.integers(0, 99))


@given(CELLS, CELLS)
def test_slugs_are_safe_and_never_shared(a: Cell, b: Cell) -> None:
    assert re.fullmatch(r"[a-z0-9.=,_-]{1,240}", a.slug)
    assert not a.slug.startswith(".")
    assert (a.slug == b.slug) == (a == b)


def test_slugs_are_readable() -> None:
    assert (
        Cell("npo_rt", "tofu", "forget10", "tiny", 3).slug == "npo_rt__tofu__forget10__tiny__seed3"
    )
    assert Cell("a__b", "c", "d", "e", 0).slug != Cell("a", "b__c", "d", "e", 0).slug
    assert Cell("NPO", "c", "d", "e", 0).slug.lower() != Cell("npo", "c", "d", "e", 0).slug
    assert Cell("../../x", "c", "d", "e", 0).slug.startswith("x__c__d__e__seed0__")


def test_samples_keep_every_character(tmp_path: Path) -> None:
    hostile = Sample(
        "forget", "1", "a\u2028b\nc\x00", "\ud800 ok", "\u202e\x1b[31m", {"x": None, "y": 0.1},
        others=["", "\ud800"],
    )  # fmt: skip
    write_samples(tmp_path, "npo", [hostile, hostile])
    assert read_samples(tmp_path, ["npo", "absent"]) == {"npo": [hostile, hostile]}


def test_samples_refuse_what_is_not_a_number_and_name_the_bad_line(tmp_path: Path) -> None:
    sample = Sample("forget", "1", "", "", "", {"x": math.nan})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_samples(tmp_path, "npo", [sample])
    path = write_samples(tmp_path, "npo", [replace(sample, scores={})] * 3)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(CorruptError, match=r"npo\.jsonl, line 3: not a sample"):
        read_samples(tmp_path, ["npo"])
