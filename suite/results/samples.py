"""The answers of each cell, one line per evaluated question: `<out>/samples/<cell>.jsonl`.

{"set": "forget", "item_id": "forget/12", "prompt": "Who wrote ...?", "reference": "...",
 "generation": "...", "others": [], "scores": {"rougeL_recall": 0.4, "truth_ratio": 0.71},
 "cluster_id": "author/18"}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from suite.core.errors import CorruptError, MissingError
from suite.store import atomic_write, inside


@dataclass(frozen=True)
class Sample:
    """One evaluated question: what was asked and expected, what a model wrote, how that scored."""

    set: str
    item_id: str
    prompt: str
    reference: str
    generation: str = ""
    """What the model wrote; the first text where several were sampled."""
    scores: dict[str, float | None] = field(default_factory=dict)
    """Per-item scores by metric, e.g. {"truth_ratio": 0.41, "rougeL_recall": 1.0}."""
    cluster_id: str = ""
    """What the item belongs to (TOFU: the author)."""
    others: list[str] = field(default_factory=list)
    """The further texts, in order, where several were sampled for this question."""

    @property
    def generations(self) -> list[str]:
        """All texts that were sampled."""
        return [self.generation, *self.others]


def write_samples(folder: Path, slug: str, samples: Iterable[Sample]) -> Path:
    """Write `<folder>/<cell>.jsonl`, atomically. Texts stay as they are, lone surrogates too.

    UserError if the file would lie outside `folder`.
    """
    path = inside(folder, f"{slug}.jsonl")
    lines = [json.dumps(asdict(sample), allow_nan=False) + "\n" for sample in samples]
    atomic_write(path, "".join(lines).encode())
    return path


def read_samples(folder: Path, slugs: Iterable[str]) -> dict[str, list[Sample]]:
    """Read the samples of those cells that have any, by slug. CorruptError names the line."""
    found: dict[str, list[Sample]] = {}
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
