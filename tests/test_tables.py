"""Tables are read exactly, and whatever is wrong with one is said in one line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite import UserError
from suite.tables import _read_hub, digest, duplicates, load_table

QA = {"question": str, "answer": str}
ROWS = [{"question": "Who?", "answer": "Ann"}, {"question": "Where?", "answer": "São\u2028Tomé"}]
TOFU = Path(os.environ.get("SUITE_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "tofu"
needs_tofu = pytest.mark.skipif(
    not TOFU.is_dir(), reason=f"no TOFU files: {TOFU} (set SUITE_SHARED)"
)


def write(folder: Path, text: str | bytes, name: str = "t.json") -> str:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    (folder / name).write_bytes(data)
    return str(folder)


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.json", lines(ROWS)),
        ("t.jsonl", "\n" + lines(ROWS).replace("\n", "\r\n\n")),
        ("t.json", json.dumps(ROWS, indent=2)),
        ("t.json", "\ufeff" + lines(ROWS)),
        ("t.csv", 'question,answer\nWho?,Ann\nWhere?,"São\u2028Tomé"\n'),
    ],
    ids=["lines", "blank-lines", "array", "byte-order-mark", "csv"],
)
def test_every_format_gives_the_same_rows(tmp_path, name, text):
    assert load_table(write(tmp_path, text, name), "t", QA) == ROWS


def test_parquet(tmp_path):
    pandas = pytest.importorskip("pandas")
    rows = [{"question": "Who?", "wrong": ["Bob", "Eve"]}]
    pandas.DataFrame(rows).to_parquet(tmp_path / "t.parquet")
    assert load_table(str(tmp_path), "t", {"question": str, "wrong": list}) == rows


def test_only_the_columns_asked_for_are_kept(tmp_path):
    folder = write(tmp_path, '{"answer": "Ann", "question": "Who?", "score": 3}')
    assert load_table(folder, "t", QA) == ROWS[:1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"question": "Who?", "answer": "Ann"}\n{"question": "Who?" "answer": "Ann"}\n',
         "line 2, column 21: not JSON: Expecting ',' delimiter"),
        ('[\n {"question": "Who?", "answer": "Ann"},\n {"question": }\n]',
         "line 3, column 15: not JSON: Expecting value"),
        ('{"question": "Who?", "answr": "Ann"}',
         "line 1: no column 'answer', there are question, answr; did you mean 'answr'?"),
        ('{"q": "Who?"}', "line 1: no column 'question', there are q"),
        ('{"question": "Who?", "answer": 7}', "line 1, 'answer': must be a text, not int 7"),
        ('{"question": "Who?", "answer": null}', "line 1, 'answer': must be a text, not null"),
        ('["Who?"]', "item 1: must be an object with question, answer, not a text"),
        ('\n{"question": "Who?", "answer": " "}', "line 2, 'answer': an empty text"),
        ('{"question": "Who?", "answer": "ab\\ud800"}',
         "line 1, 'answer': character 3 is a lone surrogate, U+D800"),
        (b'{"question": "Who?", "answer": "Ann"}\n{"question": "\xff"}',
         "line 2, byte 15: not UTF-8: invalid start byte"),
    ],
)  # fmt: skip
def test_bad_rows(tmp_path, text, message):
    folder = write(tmp_path, text)
    with pytest.raises(UserError) as error:
        load_table(folder, "t", QA)
    assert str(error.value) == f"{folder}/t.json, {message}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"Bob"', "must be a list of texts, not a text"),
        ("[]", "an empty list"),
        ('["Bob", 3]', "item 2: must be a text, not int 3"),
        ('["Bob", ""]', "item 2: an empty text"),
    ],
)
def test_bad_lists(tmp_path, value, message):
    folder = write(tmp_path, f'{{"wrong": {value}}}')
    with pytest.raises(UserError) as error:
        load_table(folder, "t", {"wrong": list})
    assert (
        str(error.value).removeprefix(f"{folder}/t.json, line 1, 'wrong'").lstrip(":, ") == message
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("question,answer\nWho?\n", "line 2: not 2 fields, as the first line has"),
        ("question,answer\nWho?,Ann,Bob\n", "line 2: not 2 fields, as the first line has"),
        ('question,answer\nWho?,"Ann" Bob\n', "line 2: not CSV: ',' expected after '\"'"),
        ("question,answer\nWho?,\n", "line 2, 'answer': an empty text"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    folder = write(tmp_path, text, "t.csv")
    with pytest.raises(UserError) as error:
        load_table(folder, "t", QA)
    assert str(error.value) == f"{folder}/t.csv, {message}"


def test_a_parquet_file_that_is_none(tmp_path):
    folder = write(tmp_path, "PAR0", "t.parquet")
    with pytest.raises(UserError, match=r"^.*t\.parquet: not parquet: [^\n]+$"):
        load_table(folder, "t", QA)


@pytest.mark.parametrize("text", ["", "\n\n", "[]"])
def test_an_empty_table(tmp_path, text):
    folder = write(tmp_path, text)
    with pytest.raises(UserError) as error:
        load_table(folder, "t", QA)
    assert str(error.value) == f"{folder}: table 't' is empty"


def test_a_table_that_is_not_there(tmp_path):
    for name in ("forget01", "forget05", "full"):
        write(tmp_path, lines(ROWS), f"{name}.json")
    with pytest.raises(UserError) as error:
        load_table(str(tmp_path), "forget1", QA)
    endings = "no file forget1.json (or .jsonl, .csv, .parquet)"
    assert str(error.value) == f"{tmp_path}: {endings}; the nearest are forget01, forget05"
    with pytest.raises(UserError) as error:
        load_table(str(tmp_path), "xyz", QA)
    assert str(error.value).endswith("; there are forget01, forget05, full")


def test_a_folder_that_is_not_there(tmp_path):
    (tmp_path / "tofu").mkdir()
    (tmp_path / ".hidden").mkdir()
    missing = str(tmp_path / "tofuu")
    with pytest.raises(UserError) as error:
        load_table(missing, "full", QA)
    assert (
        str(error.value)
        == f"no folder {missing!r} (did you mean 'tofu'?), and not a hub id, owner/name, either"
    )
    with pytest.raises(UserError, match=r"\(the folders there are tofu\)"):
        load_table(str(tmp_path / "xyz"), "full", QA)


def test_a_hub_id_without_network_says_both(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")

    def offline(*args, **kwargs):
        raise ConnectionError(
            "Couldn't reach 'nobody/nothing' on the Hub (OfflineModeIsEnabled)\nmore"
        )

    monkeypatch.setattr(datasets, "load_dataset", offline)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as error:
        load_table("nobody/nothing", "full", QA)
    assert str(error.value) == (
        "cannot read 'nobody/nothing', 'full': no such folder here (the folders there are none), "
        "and the hub gives: Couldn't reach 'nobody/nothing' on the Hub (OfflineModeIsEnabled)"
    )


def test_digest_is_of_the_ordered_rows():
    plain = b'[{"answer":"Ann","question":"Who?"}]'
    assert digest([{"question": "Who?", "answer": "Ann"}]) == hashlib.sha256(plain).hexdigest()
    assert digest(ROWS) != digest(ROWS[::-1])


def test_duplicates_are_counted():
    assert duplicates([*ROWS, ROWS[0], ROWS[0]]) == 2
    assert duplicates(ROWS) == 0


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(
    st.lists(st.fixed_dictionaries({"question": text, "answer": text}), min_size=1, max_size=5),
    st.booleans(),
)
def test_any_unicode_survives(tmp_path_factory, rows, escaped):
    folder = tmp_path_factory.mktemp("rows")
    text = "".join(json.dumps(row, ensure_ascii=escaped) + "\n" for row in rows)
    assert load_table(write(folder, text), "t", QA) == rows


def test_json_is_read_without_importing_datasets(tmp_path):
    folder = write(tmp_path, lines(ROWS))
    code = (
        "import sys; from suite.tables import load_table\n"
        f"load_table({folder!r}, 't', {{'question': str}})\n"
        "print({'datasets', 'pandas', 'numpy', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@needs_tofu
@pytest.mark.parametrize("name", ["forget01", "forget01_perturbed"])
def test_the_library_reads_the_same_rows(name, tmp_path, monkeypatch):
    columns = (
        dict(QA)
        if name == "forget01"
        else {**QA, "paraphrased_answer": str, "perturbed_answer": list}
    )
    rows = [row for _, row in _read_hub(str(TOFU), name, "train")]
    assert [{column: row[column] for column in columns} for row in rows] == load_table(
        str(TOFU), name, columns
    )


@needs_tofu
def test_the_library_names_the_tables_it_knows():
    with pytest.raises(
        UserError, match=r"^cannot read .*forget1.*and the hub gives: [^\n]*forget01[^\n]*$"
    ):
        _read_hub(str(TOFU), "forget1", "train")
