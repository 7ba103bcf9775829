"""Types of settings that have a range (`beta: Positive = 0.1`), or that name a file.

A value outside is refused in one line where settings are read, before any model loads. The JSON
schema shows the range too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

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


@dataclass(frozen=True)
class Place:
    """Marks a text as a path: in a configuration file it is relative to that file."""

    or_name: bool = False
    """Whether it may also be a name, as a hub id: it is a path only if there is such a file."""


FilePath = Annotated[str, Place()]
"""A file or folder."""
FilePathOrNone = Annotated[str | None, Place()]
"""A file or folder, or none."""
FileOrName = Annotated[str, Place(or_name=True)]
"""A file or folder, or a name such as a hub id."""
FileOrNameOrNone = Annotated[str | None, Place(or_name=True)]
"""A file or folder, a name such as a hub id, or none."""
