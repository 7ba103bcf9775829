"""Every mistake in the data is one line that says where."""

from __future__ import annotations


def test_the_small_copy_is_sound(copy):
    _, data = copy.load()
    assert data.notes == (
        "forget authors: 1; so few that forget quality describes and does not test",
    )
    assert (len(data.roles["forget"]), len(data.roles["retain"])) == (20, 60)
    assert data.revision.startswith("mine@")
    assert str(copy.folder.parent) not in data.revision


def test_the_revision_follows_the_content(copy):
    before = copy.load()[1].revision
    copy.tables["world_facts_perturbed"] = [
        {**row, "answer": "Other."} for row in copy.tables["world_facts_perturbed"]
    ]
    assert copy.load()[1].revision != before


def test_unknown_split(copy):
    assert copy.mistake("forget1") == "unknown split of tofu 'forget1'; did you mean 'forget10'?"


def test_no_retain_author(copy):
    message = copy.mistake(retain_authors=0)
    assert message == "tofu.retain_authors must be at least 1, not 0"


def test_overlap_is_refused_unless_allowed(copy):
    copy.tables["retain90"] = copy.tables["full"][:63]
    what = "forget10 and retain90 share 3 rows, the first is full/60"
    assert copy.mistake() == f"mine: {what}; --allow-overlap continues anyway"
    _, data = copy.load(allow_overlap=True)
    assert what in data.notes
    assert len(data.starts["target"]) == 80


def test_an_empty_forget_set(copy):
    copy.tables["forget10"] = []
    assert copy.mistake() == f"{copy.folder}: table 'forget10' is empty"


def test_rows_that_full_does_not_hold(copy):
    copy.tables["forget10"] = [
        *copy.tables["forget10"][:5],
        {"question": "Question 500?", "answer": "Answer 500."},
    ]
    assert (
        copy.mistake() == "forget10, row 6: not in full, or more often than there: 'Question 500?'"
    )


def test_a_row_listed_twice(copy):
    copy.tables["retain90"] = [*copy.tables["retain90"], copy.tables["full"][0]]
    assert (
        copy.mistake() == "retain90, row 61: not in full, or more often than there: 'Question 0?'"
    )


def test_a_row_that_full_holds_twice_is_two_rows(copy):
    copy.tables["full"][1] = copy.tables["retain90"][1] = copy.tables["full"][0]
    copy.tables["retain_perturbed"] = copy.tables["retain_perturbed"][2:]
    _, data = copy.load()
    assert "1 rows of full repeat another" in data.notes
    assert [row.id for row in data.roles["retain"]][:3] == ["full/0", "full/1", "full/2"]


def test_full_must_hold_whole_authors(copy):
    copy.tables["full"] = [
        *copy.tables["full"],
        {"question": "Question 80?", "answer": "Answer 80."},
    ]
    assert copy.mistake() == "mine: full has 81 rows, which is not 20 for each author"


def test_rows_in_no_part_are_noted(copy):
    copy.tables["retain90"] = copy.tables["full"][:50]
    _, data = copy.load()
    assert "10 rows of full are neither in forget10 nor in retain90: not trained on" in data.notes
    assert len(data.starts["target"]) == 70


def test_questions_about_nothing_that_is_trained_on(copy):
    copy.tables["retain90"] = copy.tables["full"][40:60]
    message = copy.mistake()
    assert (
        message == "mine: no question of retain_perturbed is about a retain row that is trained on"
    )


def test_a_missing_column_names_its_place(copy):
    del copy.tables["forget10_perturbed"][3]["paraphrased_answer"]
    assert copy.mistake() == (
        f"{copy.folder}/forget10_perturbed.json, line 4: no column 'paraphrased_answer', "
        "there are question, answer, perturbed_answer; did you mean 'perturbed_answer'?"
    )
