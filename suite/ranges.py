"""Types of settings that have a range (`beta: Positive = 0.1`), or that name a file.

A value outside is refused in one line where settings are read, before any model loads. The JSON
schema shows the range too.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from suite.core.places import FileOrName, FileOrNameOrNone, FilePath, FilePathOrNone, Place

__all__ = [
    "Count",
    "FileOrName",
    "FileOrNameOrNone",
    "FilePath",
    "FilePathOrNone",
    "Fraction",
    "Index",
    "Negative",
    "NonNegative",
    "Place",
    "Positive",
    "Share",
    "Smoothing",
]

Positive = Annotated[float, Gt(0)]
"""Above 0."""
NonNegative = Annotated[float, Ge(0)]
"""0 or above."""
Negative = Annotated[float, Lt(0)]
"""Below 0."""
Fraction = Annotated[float, Gt(0), Lt(1)]
"""Between 0 and 1, neither of them."""
Smoothing = Annotated[float, Ge(0), Lt(0.5)]
"""A share of wrong labels: at one half the labels say nothing."""
Share = Annotated[float, Ge(0), Le(1)]
"""From 0 to 1."""
Count = Annotated[int, Ge(1)]
"""At least one."""
Index = Annotated[int, Ge(0)]
"""Counted from 0."""
