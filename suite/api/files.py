"""What a benchmark says of the files that it reads from `--data`, for `suite data`."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class DataFile:
    """One file, or several of one kind."""

    name: str
    """Its name without the ending; `*` and `?` stand for what may vary: "forget??_perturbed"."""
    holds: str
    """What it holds, in a few words."""
    examples: tuple[str, ...]
    """A row in each of the forms that it may have, as JSON."""
    required: bool = True
    without: tuple[str, ...] = ()
    """Metrics that have no value where it is absent."""

    def is_called(self, table: str) -> bool:
        """Whether a table is this file."""
        return fnmatchcase(table, self.name)
