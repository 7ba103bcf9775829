"""What two files must not share."""

from __future__ import annotations

import pytest


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
