"""Forms that reviews may have in a file."""

from __future__ import annotations

from suite import DataFile

FILES = (
    DataFile(
        "reviews",
        "reviews with a label, as text and positive or negative, or as text and 1 or 0",
        (
            '{"review": "A wonderful film, and long.", "sentiment": "positive"}',
            '{"text": "A dull film, and long.", "label": 0}',
        ),
    ),
)
