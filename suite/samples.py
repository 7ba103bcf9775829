"""The answers of each cell, one line per evaluated question: `<out>/samples/<cell>.jsonl`.

{"set": "forget", "item_id": "forget/12", "prompt": "Who wrote ...?", "reference": "...",
 "generation": "...", "scores": {"rougeL_recall": 0.4, "truth_ratio": 0.71}}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from suite.errors import CorruptError, MissingError
from suite.store import atomic_write


@dataclass(frozen=True)
class Sample:
    """One evaluated question: prompt, expected answer, the model's answer and its scores."""

    set: str
    item_id: str
    prompt: str
    reference: str
    generation: str = ""
    scores: dict[str, float | None] = field(default_factory=dict)
    """Per-item scores by metric, e.g. {"truth_ratio": 0.41, "rougeL_recall": 1.0}."""
    cluster_id: str = ""
    """What the item belongs to (TOFU: the author)."""


def write_samples(folder: Path, slug: str, samples: Iterable[Sample]) -> Path:
    """Write `<folder>/<cell>.jsonl` atomically.

    The text is kept exactly, lone surrogates included: JSON writes them as escapes.
    """
    path = folder / f"{slug}.jsonl"
    lines = "".join(json.dumps(asdict(sample), allow_nan=False) + "\n" for sample in samples)
    atomic_write(path, lines.encode())
    return path


def read_samples(folder: Path, slugs: Iterable[str]) -> dict[str, list[Sample]]:
    """Read the samples of those cells that have any, by slug.

    Raises CorruptError with the line's number.
    """
    found = {}
    for slug in slugs:
        path = folder / f"{slug}.jsonl"
        if path.exists():
            found[slug] = list(_samples(path))
    return found


def _samples(path: Path) -> Iterator[Sample]:
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        try:
            yield Sample(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise CorruptError(f"{path}, line {number}: not a sample ({error})") from error


def read_text(path: Path) -> str:
    """Read a file that a run wrote. Raises MissingError or CorruptError, naming it."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingError(f"{path}: no such file; `suite run` writes it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptError(f"{path}: {error}") from error
