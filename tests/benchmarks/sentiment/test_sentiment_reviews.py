"""Reviews: what is read, refused, and cut into prefix and continuation."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from suite_benchmarks.sentiment import reviews
from suite_benchmarks.sentiment.generated import generated
from suite_benchmarks.sentiment.lexicon import lexicon_score

from suite import UserError

HEADER = "review,sentiment\n"


def write(folder: Path, text: str) -> str:
    (folder / "reviews.csv").write_text(text)
    return str(folder)


def review(text: str, positive: bool = True) -> reviews.Review:
    return reviews.Review("1", text, positive)


def test_html_goes_and_repeated_reviews_are_left_out(tmp_path: Path) -> None:
    line = '"A fine film.<br /><br />Loved it.",positive\n'
    read = reviews.published(write(tmp_path, HEADER + line + line), None)
    assert [(r.text, r.positive) for r in read.reviews] == [("A fine film. Loved it.", True)]
    assert read.notes == ["1 of 2 reviews repeat another and were left out"]


def test_the_hubs_columns_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "reviews.jsonl").write_text('{"text": "Not my kind of film.", "label": 0}\n')
    (read,) = reviews.published(str(tmp_path), None).reviews
    assert read.positive is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("review,mood\nA fine film.,positive\n", "no column 'sentiment', there are review, mood"),
        ("text\nA fine film.\n", "no column 'label'"),
        (HEADER + '"",positive\n', "line 2, 'review': an empty text"),
        (
            HEADER + "A fine film.,good\n",
            "row 1: the label is 'good'; it must be positive or negative",
        ),
        (HEADER + "Great!,positive\n", "row 1: the review 'Great!' is too short"),
        (HEADER + "A <br/>,positive\n", "too short"),
        (HEADER, "is empty"),
    ],
)
def test_bad_reviews_are_refused_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        reviews.published(write(tmp_path, text), None)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_one_class_only_and_too_few_reviews_are_refused() -> None:
    good = [review(f"Film number {i} was fine.") for i in range(10)]
    with pytest.raises(UserError, match="all of the 6 labelled reviews are positive"):
        reviews.split(good, 2, 2)
    with pytest.raises(UserError, match="10 reviews are too few"):
        reviews.split(good, 5, 5)


def test_no_review_serves_twice_and_the_order_of_rows_does_not_matter() -> None:
    read = generated().reviews
    parts = reviews.split(read, 30, 40)
    ids = [r.id for part in (parts.held_out, parts.training, parts.labelled) for r in part]
    assert sorted(ids) == sorted(r.id for r in read)
    assert (len(parts.held_out), len(parts.training)) == (30, 40)
    assert reviews.split(list(reversed(read)), 30, 40) == parts


@given(
    st.lists(
        st.sampled_from(["film", "was", "it's", "not", "bad", ".", ",", "!"]),
        min_size=3,
        max_size=30,
    )
)
def test_prefix_and_continuation_are_the_review(tokens: list[str]) -> None:
    text = " ".join(tokens)
    prefix, rest = reviews.cut(review(text))
    assert prefix + rest == text
    assert rest
    assert 2 <= len(reviews.TOKEN.findall(prefix)) <= 8


def test_openings_end_with_a_sentence_within_the_words() -> None:
    long = review("I went to see it. " + "It was very long and never came to any end " * 9)
    prefix, _ = reviews.cut(review("I went to see it. It was good. " * 4))
    row = reviews.opening(review("I went to see it. It was good. " * 4), 20, continues=True)
    assert row is not None
    whole = row.prompt[0].content + row.completion
    assert row.prompt[0].content == prefix
    assert whole.endswith((".",))
    assert len(whole.split()) <= 20
    stripped = reviews.opening(review("I went to see it. It was good. " * 4), 20, continues=False)
    assert stripped is not None
    assert stripped.completion == row.completion.strip()
    cut_in_first = reviews.opening(long, 3, continues=True)
    assert cut_in_first is None


def test_generated_reviews_are_distinct_balanced_and_told_apart_by_the_lexicon() -> None:
    read = generated().reviews
    assert len({r.text for r in read}) == len(read)
    assert sum(r.positive for r in read) * 2 == len(read)
    assert all((lexicon_score(r.text) > 0.5) == r.positive for r in read)
