"""Own data as it is read: forms of rows, windows, start models, and what is refused."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from suite_benchmarks.forget.windows import Windows, spans

from suite import Message

WHO = (Message("user", "Who?"),)


class Letters:
    context = 60

    def ends(self, text):
        return range(1, len(text) + 1)


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Who?", "answer": "Ann."},
        {"prompt": "Who?", "completion": "Ann."},
        {"prompt": [{"role": "user", "content": "Who?"}], "completion": "Ann."},
        {"prompt": "Who?", "completion": [{"role": "assistant", "content": "Ann."}]},
        {
            "messages": [
                {"role": "user", "content": "Who?"},
                {"from": "gpt", "value": "Ann."},
            ]
        },
    ],
)
def test_a_row_in_any_form_is_the_same_row(mine, row):
    mine.tables["forget"] = [row]
    _, data = mine.load()
    (found,) = data.roles["forget"]
    assert (found.prompt, found.completion) == (WHO, "Ann.")


def test_a_row_is_its_own_cluster_unless_it_names_one(mine):
    mine.tables["forget"] = [
        {"question": "Who?", "answer": "Ann."},
        {"id": 7, "question": "Why?", "answer": "So."},
        {"id": "b", "cluster": "c", "question": "When?", "answer": "Then."},
    ]
    _, data = mine.load()
    rows = data.roles["forget"]
    assert [row.id for row in rows] == ["forget/1", "forget/7", "forget/b"]
    assert [row.cluster for row in rows] == ["forget/1", "forget/7", "forget/c"]
    assert [item["cluster"] for item in data.sets["forget"]] == [row.cluster for row in rows]


def test_files_may_have_any_ending(mine):
    mine.load()
    (mine.folder / "retain.jsonl").unlink()
    (mine.folder / "retain.csv").write_text("prompt,completion\nWhere?,Rome.\n")
    packed = gzip.compress(b'[{"text": "No one has ever read this."}]')
    (mine.folder / "holdout.json.gz").write_bytes(packed)
    del mine.tables["retain"]
    _, data = mine.load()
    assert data.roles["retain"][0].completion == "Rome."
    assert len(data.sets["holdout"]) == 1


@given(st.integers(2, 300), st.integers(1, 40), st.integers(1, 50))
def test_windows_hold_each_token_behind_the_prefix_once(length, prefix, window):
    text = "".join(chr(0x4E00 + i) for i in range(length))
    pieces = Windows(prefix, window, continues=True).cut(text, Letters(), "here")
    first = min(prefix, length // 2)
    assert "".join(piece.completion for piece in pieces) == text[first:]
    assert max(len(piece.completion) for piece in pieces) <= window
    end = first
    for piece in pieces:
        (before,) = piece.prompt
        assert before.content == text[max(0, end - prefix) : end]
        end += len(piece.completion)


def test_windows_are_the_fewest_and_of_nearly_equal_length():
    assert spans(2, 8, 3) == [(2, 5), (5, 8)]
    assert [end - start for start, end in spans(0, 10, 4)] == [3, 3, 4]


def test_a_text_is_one_item_and_a_training_row_for_each_window(mine):
    mine.tables["forget"] = [{"id": "t", "text": "abcdefgh"}]
    _, data = mine.load(prefix=2, window=3, continues=True)
    rows = data.roles["forget"]
    assert [(row.prompt[0].content, row.completion) for row in rows] == [
        ("ab", "cde"),
        ("de", "fgh"),
    ]
    assert [row.id for row in rows] == ["forget/t/0", "forget/t/1"]
    assert [item["id"] for item in data.sets["forget"]] == ["forget/t"]
    assert "1 plain texts in 2 windows" in data.notes[-1]


def test_spaces_at_the_cut_count_only_where_the_template_goes_on(mine):
    mine.tables["forget"] = [{"text": "ab cdef"}]
    for continues, completion in ((True, " cdef"), (False, "cdef")):
        _, data = mine.load(prefix=2, continues=continues)
        assert data.roles["forget"][0].completion == completion


def test_the_target_is_the_given_model_unless_it_is_to_be_finetuned(mine):
    def rows(**settings):
        _, data = mine.load(**settings)
        return {name: [row.id for row in given] for name, given in data.starts.items()}

    both = ["forget/1", "retain/1"]
    assert rows() == {"target": []}
    assert rows(tiny=True) == {"target": both}
    assert rows(tiny=True, target="given") == {"target": []}
    assert rows(target="finetuned", retrain=True) == {"target": both, "retrain": ["retain/1"]}
    assert "set forget.target=finetuned too" in mine.mistake(retrain=True)


def test_without_retain_the_base_itself_is_the_retrain_model(mine):
    del mine.tables["retain"]
    _, data = mine.load(target="finetuned", retrain=True)
    assert data.starts["retrain"] == []
    assert set(data.roles) == {"forget"}


def test_the_first_alternate_is_trained_on_and_all_are_asked_about(mine):
    mine.tables["forget"] = [{"id": 1, "question": "Who?", "answer": "Ann."}]
    mine.tables["alternate"] = [{"id": "1", "answer": "Bo."}, {"id": 1, "completion": "Cy."}]
    benchmark, data = mine.load()
    assert [row.completion for row in data.roles["alternate"]] == ["Bo."]
    assert data.roles["alternate"][0].prompt == WHO
    asked = {request.id: request.expected for request in benchmark.requests(data)}
    assert asked["forget/1/alternate/0"] == "Bo."
    assert asked["forget/1/alternate/1"] == "Cy."


def test_fewer_rows_of_retain_are_asked_about_and_all_are_trained_on(mine):
    mine.tables["retain"] = [{"question": f"{i}?", "answer": f"{i}."} for i in range(9)]
    _, data = mine.load(retain_items=4)
    assert (len(data.roles["retain"]), len(data.sets["retain"])) == (9, 4)
    assert "4 of 9 questions of retain" in data.notes
    assert not data.partial
    assert mine.load(limit=2)[1].partial


def test_forget_in_retain_is_refused_by_text_and_by_id(mine):
    mine.tables["retain"] = [{"prompt": "who?", "completion": " Ann. "}]
    said = mine.mistake()
    assert said.startswith("1 rows of forget are in retain, the first '1' by its text")
    assert mine.load(allow_overlap=True)[1].notes[0] == said.partition(":")[0]
    mine.tables["forget"] = [{"id": "a", "question": "Who?", "answer": "Ann."}]
    mine.tables["retain"] = [{"id": "a", "question": "Where?", "answer": "Rome."}]
    assert "the first 'a' by its id" in mine.mistake()


def test_a_part_of_a_document_is_found_in_it(mine):
    mine.tables["forget"] = [{"text": "in the middle"}]
    mine.tables["retain"] = [{"text": "What stands In the\nMiddle of a document."}]
    assert "forget are in retain" in mine.mistake()


@pytest.mark.parametrize("name", ["holdout", "utility"])
def test_forget_in_another_file_is_refused(mine, name):
    mine.tables[name] = mine.tables["forget"]
    assert f"1 rows of forget are in {name}" in mine.mistake()


def test_numbers_of_rows_are_no_ids_that_files_share(mine):
    mine.load()  # both tables have a row 1


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"forget": []}, "table 'forget' is empty"),
        (
            {"forget": [{"id": 1, "text": "ab"}, {"id": "1", "text": "cd"}]},
            "forget, row 2: the id '1' is that of row 1 too",
        ),
        (
            {"forget": [{"prompt": "a", "compeltion": "b"}]},
            "unknown column 'compeltion'; did you mean 'completion'?",
        ),
        (
            {"forget": [{"question": "a", "completion": "b"}]},
            "forget, row 1: a row has question and answer; or prompt and completion; or messages; "
            "or text; this one has question, completion",
        ),
        (
            {"forget": [{"prompt": "a" * 58, "completion": "bcd"}]},
            "forget, row 1: 61 tokens, more than the 60 that the model reads at once",
        ),
        ({"forget": [{"text": "a"}]}, "a text of 1 tokens: nothing follows its beginning"),
        ({"forget": [{"text": "a     "}]}, "nothing but spaces follows"),
        (
            {"forget": [{"messages": [{"role": "user", "content": "Hi."}]}]},
            "must end with a message of the assistant",
        ),
        ({"paraphrase": [{"id": "2", "answer": "b"}]}, "forget has no row with the id '2'"),
        ({"paraphrase": [{"answer": "b"}]}, "no column 'id'"),
        ({"alternate": [{"id": 1}]}, "a row has answer or completion; this one has neither"),
        (
            {
                "forget": [{"question": "a", "answer": "b"}, {"question": "c", "answer": "d"}],
                "alternate": [{"id": 1, "answer": "x"}],
            },
            "alternate: 1 of 2 rows of forget have no answer there, the first '2'",
        ),
        (
            {"forget": [{"text": "abcd"}], "alternate": [{"id": 1, "answer": "x"}]},
            "row '1' of forget is a plain text, which has no answer",
        ),
        ({"retian": []}, "no table is called 'retian'; did you mean 'retain'?"),
    ],
)
def test_a_mistake_is_one_line(mine, tables, said):
    if "retian" in tables:
        del mine.tables["retain"]
    mine.tables |= tables
    assert said in mine.mistake()


def test_a_missing_forget_file_is_named_with_the_nearest(mine):
    mine.tables = {"forgot": mine.tables["forget"]}
    assert "no file forget.json" in mine.mistake()
    assert "the nearest are forgot" in mine.mistake()


def test_a_table_in_two_files_is_refused(mine):
    mine.load()
    (mine.folder / "forget.json").write_text(json.dumps(mine.tables["forget"]))
    assert "table 'forget' is there in several files: forget.json, forget.jsonl" in mine.mistake()


def test_no_folder_is_refused(mine):
    mine.load()
    mine.folder, file = mine.folder / "forget.jsonl", mine.folder
    mine.tables = {}
    assert "reads a folder, and this is none" in mine.mistake()
    assert file.is_dir()
