"""Training rows that only a model can give: made by the benchmark of answers of the model where
methods start.

    starting model ─ answers to `sampling_requests` ─ `sampled_rows` ─ pairs.jsonl, ...

Nobody knows these rows while the run is planned, so a stage that reads them has the stage that
makes them as an input, where it would otherwise have the rows' digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.data import Given, Message, Pair, Row
from suite.store import JsonlWriter, read_jsonl

if TYPE_CHECKING:
    from suite.store import Stage

INPUT = "roles"
"""Name under which a stage reads the stage that makes the rows."""


@dataclass(frozen=True)
class SampledRows:
    """The rows of one role, as a stage will make them."""

    stage: Stage
    role: str


Rows = Given | SampledRows


def inputs_of(*roles: Rows) -> dict[str, Stage]:
    """What a stage that reads these rows needs beside them."""
    stages = [rows.stage for rows in roles if isinstance(rows, SampledRows)]
    return {INPUT: stages[0]} if stages else {}


def write_rows(rows: Given, folder: Path, role: str) -> None:
    """Write `<folder>/<role>.jsonl`."""
    with JsonlWriter(folder / f"{role}.jsonl") as log:
        for row in rows:
            log.append(asdict(row))


def read_rows(folder: Path, role: str) -> Given:
    """Read what `write_rows` wrote."""
    lines = list(read_jsonl(folder / f"{role}.jsonl"))
    pairs = [_pair(line) for line in lines if "chosen" in line]
    return pairs or [_row(line) for line in lines]


def _pair(line: Mapping[str, Any]) -> Pair:
    return Pair(**{**line, "prompt": _prompt(line)})


def _row(line: Mapping[str, Any]) -> Row:
    return Row(**{**line, "prompt": _prompt(line)})


def _prompt(line: Mapping[str, Any]) -> tuple[Message, ...]:
    return tuple(Message(**message) for message in line["prompt"])
