"""What a benchmark reads: messages, training rows and pairs; and the same rows as tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Row:
    """One training text: the completion is learnt (or forgotten), the prompt only conditions it."""

    id: str
    prompt: tuple[Message, ...]
    completion: str
    cluster: str = ""
    """What the row belongs to (TOFU: the author); rows of a cluster are not independent."""


@dataclass(frozen=True)
class Pair:
    """Two completions of one prompt, the first preferred."""

    id: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    cluster: str = ""


Given = Sequence[Row] | Sequence[Pair]
"""Training rows of one role, as they were read."""


@dataclass(frozen=True)
class BenchmarkData:
    """Everything that a benchmark read, in memory."""

    roles: Mapping[str, Given]
    """Training role -> rows: forget, retain, pairs, ... (a role that is not offered is absent).
    Rows of `prompts` have an empty completion."""
    starts: Mapping[str, Sequence[Row]]
    """Models fine-tuned from the base before any method runs -> rows, e.g. target, retrain (no
    rows: the base itself). The first is where methods start; all of them are rows of the table.
    Their names stand in `Benchmark.starts`."""
    sets: Mapping[str, Sequence[Mapping[str, Any]]]
    """Evaluation set -> items, in the benchmark's own shape."""
    revision: str
    """Source and revision of the data, for the report."""
    partial: bool = False
    """Whether it is only a part of the benchmark (a limit on questions, fewer authors): never
    ranked."""
    notes: Sequence[str] = field(default=())
    """What a reader of the numbers must know: reductions, overlaps that were allowed, dropped
    rows."""


class Tokens(Protocol):
    """The tokenizer of the run's model, as far as a benchmark needs it while it reads."""

    @property
    def context(self) -> int:
        """Most tokens that the model reads at once."""

    def ends(self, text: str) -> Sequence[int]:
        """Where each token of a text ends, in characters."""


@dataclass(frozen=True)
class Source:
    """Where a benchmark's data comes from, and how much of it is wanted."""

    data: str | None
    """Folder or hub id; None: the benchmark's own."""
    split: str
    tiny: bool
    """Whether the run's model is the embedded one, which wants data of its own language."""
    limit: int | None = None
    """Evaluate on at most so many items of each set."""
    allow_overlap: bool = False
    """Go on although rows to forget are also rows to retain."""
    continues: bool = False
    """Whether an answer goes on right where its prompt ends (the template ends in {prompt}): its
    first space counts."""
    tokens: Tokens | None = None
    """How the run's model cuts texts; None: no model is known."""


@dataclass(frozen=True)
class Encoded:
    """One tokenised text."""

    id: str
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt_ids) + len(self.completion_ids)


@dataclass(frozen=True)
class EncodedPair:
    """Two tokenised completions of one prompt, the first preferred."""

    id: str
    chosen: Encoded
    rejected: Encoded

    def __len__(self) -> int:
        return max(len(self.chosen), len(self.rejected))


Item = Encoded | EncodedPair
