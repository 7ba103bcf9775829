"""Types of settings that name a file. Light: the settings of a run use them at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


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
FilePaths = Annotated[tuple[str, ...], Place()]
"""Several files."""
