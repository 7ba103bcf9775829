r"""Reviews from a file, a folder or the hub, and which of them serve for what.

review,sentiment
"A wonderful film ...<br />",positive    IMDb as CSV (a folder's table `reviews`);
                                         or a hub id with text and label 0/1

held out   prefixes that methods are evaluated on
training   prefixes that methods train on
labelled   the others: the classifier is trained on them, and the start model on their openings

A hash of a review's text decides which part it is in: neither the order of the rows nor a seed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import Message, Row, UserError
from suite.tables import digest, load_file, load_table

COLUMNS: dict[str, type] = {"review": str, "sentiment": str}
HUB_COLUMNS: dict[str, type] = {"text": str, "label": int}
LABELS: dict[str | int, bool] = {"positive": True, "negative": False, 1: True, 0: False}
TOKEN = re.compile(r"\w+(?:'\w+)?|[^\w\s]")
"""What a prefix is counted in: words and punctuation marks."""
SHORTEST, LONGEST = 2, 8
"""Tokens of a prefix (DPO, arXiv 2305.18290)."""
SENTENCE_END = re.compile(r"[.!?]+[\"')]*(?=\s|$)")


@dataclass(frozen=True)
class Review:
    """One review, its HTML removed."""

    id: str
    text: str
    positive: bool


@dataclass(frozen=True)
class Read:
    """Reviews, and what a reader must know of them."""

    reviews: Sequence[Review]
    revision: str
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Parts:
    """The reviews by what they serve for."""

    held_out: Sequence[Review]
    training: Sequence[Review]
    labelled: Sequence[Review]


def published(source: str | None, table: str | None) -> Read:
    """Read labelled reviews.

    UserError names file and row where a column, a text or a label is wrong.
    """
    if source is None:
        raise UserError(
            "benchmark 'sentiment' has reviews of its own for `tiny` only; name others with --data"
        )
    path = Path(source)
    rows = _rows(source, table)
    label = path.resolve().name if path.exists() else source
    reviews: dict[str, Review] = {}
    for number, row in enumerate(rows, 1):
        review = _review(row, f"{label}, row {number}", str(number))
        reviews.setdefault(review.text, review)
    notes: list[str] = []
    if repeated := len(rows) - len(reviews):
        notes.append(f"{repeated} of {len(rows)} reviews repeat another and were left out")
    return Read(list(reviews.values()), f"{label}@{digest(rows)[:12]}", notes)


def _rows(source: str, table: str | None) -> list[dict[str, Any]]:
    """All rows, in the columns of the first one."""
    either = {**COLUMNS, **HUB_COLUMNS}
    first = _table(source, table, either, optional=tuple(either))[0]
    of_hub = "text" in first and "review" not in first
    return _table(source, table, HUB_COLUMNS if of_hub else COLUMNS)


def _table(
    source: str, table: str | None, columns: Mapping[str, type], optional: Sequence[str] = ()
) -> list[dict[str, Any]]:
    path = Path(source)
    if path.is_file():
        return load_file(path, columns, optional=optional)
    default = "reviews" if path.is_dir() else "plain_text"
    return load_table(source, table or default, columns, optional=optional)


def _review(row: Mapping[str, Any], place: str, id: str) -> Review:
    """One row as a review. UserError, naming `place`, where label or text is of no use."""
    if "review" in row:
        text, label = row["review"], row["sentiment"]
    else:
        text, label = row["text"], row["label"]
    if label not in LABELS:
        raise UserError(
            f"{place}: the label is {label!r}; it must be positive or negative (1 or 0)"
        )
    text = plain(text)
    if len(TOKEN.findall(text)) <= SHORTEST:
        raise UserError(
            f"{place}: the review {text!r} is too short: a prefix has {SHORTEST} words, "
            "and something must follow it"
        )
    return Review(id, text, LABELS[label])


def plain(text: str) -> str:
    """The text without HTML tags, every run of white space one space."""
    return " ".join(re.sub(r"<[a-zA-Z/][^>]*>", " ", text).split())


def split(reviews: Sequence[Review], held_out: int, training: int) -> Parts:
    """Choose what each review serves for. UserError if there are too few, or of one label only."""
    if len(reviews) < held_out + training + 2:
        raise UserError(
            f"{len(reviews)} reviews are too few for sentiment.held_out = {held_out}, "
            f"sentiment.prefixes = {training} and some that the rewards are checked or trained on"
        )
    order = sorted(reviews, key=lambda review: _hash(review.text))
    used = held_out + training
    parts = Parts(order[:held_out], order[held_out:used], order[used:])
    if len({review.positive for review in parts.labelled}) == 1:
        only = "positive" if parts.labelled[0].positive else "negative"
        raise UserError(
            f"all of the {len(parts.labelled)} labelled reviews are {only}; both labels are needed"
        )
    return parts


def cut(review: Review) -> tuple[str, str]:
    """(prefix, what follows it), together the review.

    The prefix has 2 to 8 tokens; a hash of the text decides how many.
    """
    ends = [match.end() for match in TOKEN.finditer(review.text)]
    most = min(LONGEST, len(ends) - 1)
    count = SHORTEST + int(_hash(f"prefix/{review.text}"), 16) % (most - SHORTEST + 1)
    return review.text[: ends[count - 1]], review.text[ends[count - 1] :]


def prompt(review: Review, name: str) -> Row:
    """A prefix without its continuation."""
    return Row(f"{name}/{review.id}", (Message("user", cut(review)[0]),), "", review.id)


def opening(review: Review, words: int, *, continues: bool) -> Row | None:
    """The prefix with the whole sentences that follow within `words` words.

    None if the first sentence is longer. `continues`: the space between prefix and continuation
    belongs to the continuation.
    """
    prefix, rest = cut(review)
    limit = len(" ".join(review.text.split(" ")[:words])) - len(prefix)
    ends = [match.end() for match in SENTENCE_END.finditer(rest) if match.end() <= limit]
    if not ends:
        return None
    text = rest[: ends[-1]] if continues else rest[: ends[-1]].strip()
    return Row(f"review/{review.id}", (Message("user", prefix),), text, review.id)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
