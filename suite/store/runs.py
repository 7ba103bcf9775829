"""Which stages a run is made of: a small file in the store for each run.

    <root>/runs/2026-11-25_12-14-28_tofu_ga-npo.5c1f0a2b.json

Stages know nothing of runs, since many runs share them. `suite store` reads these files to say
whose an entry is. A run that is started again writes its file anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from suite.core.errors import MissingError, UserError
from suite.store.canonical import jsonable
from suite.store.digests import text_digest
from suite.store.files import read_json, write_json


@dataclass(frozen=True)
class RunModel:
    """A model of a run, at the end of its training."""

    cell: str
    """The cell's slug."""
    method: str
    kind: str
    """Of the stage that holds it."""
    key: str
    parts: Sequence[str]
    """The folders of its epochs within the stage, in order; "" alone: the stage's folder itself."""


@dataclass(frozen=True)
class RunRecord:
    """What the store knows of a run."""

    out: str
    """The run's folder."""
    methods: Mapping[str, Sequence[str]]
    """Key of a stage -> the methods that need it."""
    models: Sequence[RunModel]

    @property
    def name(self) -> str:
        """How people call the run: its folder's name."""
        return Path(self.out).name

    def file(self, root: Path) -> Path:
        """Where the record lies."""
        digest = text_digest(self.out.encode("utf-8", "surrogateescape"))
        return root / "runs" / f"{self.name}.{digest[:8]}.json"

    def write(self, root: Path) -> None:
        """Write the record, in the place of an earlier one of the same folder."""
        write_json(self.file(root), jsonable(asdict(self)))


def read_runs(root: Path) -> list[RunRecord]:
    """Read the records of all runs, by name."""
    records = []
    for path in sorted((root / "runs").glob("*.json")):
        values = read_json(path)
        models = [RunModel(**model) for model in values.pop("models")]
        records.append(RunRecord(models=models, **values))
    return records


def find_run(root: Path, run: str) -> RunRecord:
    """The record of a run; `run`: its folder, or its folder's name.

    MissingError: the store has none. UserError: several runs have that name.
    """
    folder = str(Path(run).expanduser().resolve())
    records = read_runs(root)
    found = [record for record in records if record.out == folder]
    found = found or [record for record in records if record.name == run]
    if len(found) > 1:
        folders = ", ".join(record.out for record in found)
        raise UserError(f"{run}: {len(found)} runs have that name; give the folder: {folders}")
    if not found:
        known = ", ".join(record.name for record in records[-5:]) or "no run at all"
        raise MissingError(f"{run}: the store {root} knows no such run; it knows {known}")
    return found[0]
