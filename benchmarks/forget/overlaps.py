"""What two files share, by text and by id: what is to be forgotten must not be kept as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from suite import UserError

from .rows import Entry

APART = {
    ("forget", "retain"): "it cannot be forgotten and kept",
    ("forget", "holdout"): "holdout must not have been trained on",
    ("retain", "holdout"): "holdout must not have been trained on",
    ("forget", "utility"): "it cannot be forgotten and kept",
}
"""Two files that must share nothing -> why."""
BETWEEN = "\0"
"""Stands between texts that are searched at once; no text holds it."""


class Overlaps:
    """The rows that the files of a folder share."""

    def __init__(self, sets: Mapping[str, Sequence[Entry]]) -> None:
        self.sets = sets

    def checked(self, *, allow_overlap: bool) -> list[str]:
        """A note on each two files that share rows. UserError, unless that is allowed."""
        notes: list[str] = []
        for (one, other), why in APART.items():
            if one not in self.sets or other not in self.sets:
                continue
            found = list(shared(self.sets[one], self.sets[other]))
            if not found:
                continue
            entry, how = found[0]
            what = f"{len(found)} rows of {one} are in {other}, the first {entry.id!r} by its {how}"
            if not allow_overlap:
                raise UserError(f"{what}: {why}; --allow-overlap continues anyway")
            notes.append(what)
        return notes


def shared(one: Sequence[Entry], other: Sequence[Entry]) -> Iterator[tuple[Entry, str]]:
    """The entries of the first that the second has too: by text, or by an id of their own.

    Upper case and spaces do not count. A plain text is there too where it is a part of one.
    """
    texts = {_plain(entry.text) for entry in other}
    documents = BETWEEN.join(_plain(entry.text) for entry in other if entry.is_text)
    ids = {entry.id for entry in other if entry.named}
    for entry in one:
        text = _plain(entry.text)
        if text in texts or (entry.is_text and text in documents):
            yield entry, "text"
        elif entry.named and entry.id in ids:
            yield entry, "id"


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
