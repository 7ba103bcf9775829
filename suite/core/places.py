"""Settings that name a file, and what tables call a model. Light: the settings of a run use this at
every start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated


@dataclass(frozen=True)
class Place:
    """Marks a text as a path: in a configuration file it is relative to that file."""

    or_name: bool = False
    """Whether it may also be a name, as a hub id: it is a path only if there is such a file."""
    words: tuple[str, ...] = ()
    """Values with a meaning of their own: never a path, whatever files there are."""


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
NONE, TRAIN = "none", "train"
StartModels = Annotated[tuple[str, ...], Place(or_name=True, words=(NONE, TRAIN))]
"""Models to start from: files, folders or hub ids; `none`; or `train`, to fine-tune one."""


def model_name(spec: str) -> str:
    """What tables call a model: paths are reduced to their last part."""
    return spec if spec.count("/") == 1 and not spec.startswith((".", "/")) else PurePath(spec).name
