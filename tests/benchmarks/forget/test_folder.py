"""Own data as it is read: forms of rows, windows, start models, and what is refused."""

from __future__ import annotations

import gzip
import json

import pytest

from suite import Message

WHO = (Message("user", "Who?"),)


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


def test_a_window_longer_than_the_context_is_refused(mine):
    mine.tables["forget"] = [{"text": "a" * 200}]
    said = mine.mistake(window=64, prefix=8)
    assert said == (
        "forget, row 1: 72 tokens, more than the 60 that the model reads at once; "
        "lower forget.window or forget.prefix"
    )
