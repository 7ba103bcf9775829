"""Own data: forget what is in one file, keep what is in another.

    suite run --methods ga,npo --bench forget --data FOLDER --model MODEL

    target    where methods start: the model as it is given, or fine-tuned on forget + retain
    retrain   on request: the model fine-tuned on retain alone, what perfect unlearning would give

FOLDER holds forget.jsonl and, for what else is to be measured, retain, holdout, paraphrase,
alternate and utility (docs/data.md; `suite data FOLDER` shows what is read there). Metrics that
TOFU has too are computed by the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Literal

from suite import (
    Asked,
    Basis,
    Benchmark,
    BenchmarkData,
    Knowledge,
    Request,
    Response,
    Row,
    Scores,
    Source,
    TextBenchmark,
    UserError,
    hookimpl,
)
from suite.ranges import Count

from ..memorisation.answers import recall_note
from ..memorisation.limit import limit
from .folder import Folder, read_folder
from .formats import FILES
from .outputs import COLUMNS, PICTURES
from .questions import Item, item_of, item_requests
from .rows import Entry, Reader
from .score import NOT_CONTINUED, UTILITY, score
from .windows import Windows

GIVEN = (
    "target: the model as it is given. forget.target=finetuned fine-tunes it on forget and retain "
    "first"
)


@dataclass(frozen=True)
class ForgetConfig:
    """Where methods start, and how plain texts are cut."""

    target: Literal["auto", "given", "finetuned"] = "auto"
    """Where methods start: at the model as it is given, because it knows the data already, or at
    the model fine-tuned on forget + retain. auto: given, but for `tiny`, which knows no data."""
    retrain: bool = False
    """Train a retrain model, too: the given model fine-tuned on retain alone. Only with a
    fine-tuned target: a given model that knows the forget data cannot become a retrain model."""
    window: Count = 256
    """Most tokens of a window of a plain text."""
    prefix: Count = 32
    """Tokens before a window that it follows, as its prompt; of a short text at most half."""
    retain_items: Count = 400
    """Ask about at most so many rows of retain, chosen by a hash of their ids (TOFU asks 400)."""


class Forget(TextBenchmark[ForgetConfig]):
    """Your own data: what a model still knows of a forget file, and what else it has kept."""

    name = "forget"
    provides = frozenset({"forget", "retain", "alternate"})
    primary = ("forget_extraction_strength", "retain_utility")
    best_by = "forget_quality"
    starts = ("target", "retrain")
    baseline = "retrain"
    compares_every_start = True
    knowledge = Knowledge("forget_answer_probability", "retain_utility")
    data_files = FILES
    basis: ClassVar[Mapping[str, Basis]] = {
        "retain_utility": Basis(tuple(product(("retain",), UTILITY)), "harmonic mean"),
    }
    reference_point: ClassVar[Mapping[str, float]] = {
        "forget_extraction_strength": 1.0,
        "retain_utility": 0.0,
    }
    pictures = PICTURES
    columns = COLUMNS
    Config = ForgetConfig

    def load(self, source: Source) -> BenchmarkData:
        """Read and check the folder, and cut its plain texts into windows of the model's tokens."""
        if source.data is None:
            raise UserError("benchmark 'forget' has no data of its own; name a folder with --data")
        assert source.tokens is not None, "the host names the tokenizer"
        windows = Windows(self.config.prefix, self.config.window, source.continues)
        reader = Reader(source.tokens, windows)
        folder = read_folder(source.data, reader, allow_overlap=source.allow_overlap)
        starts = self._starts(folder, source)
        everything = _sets(folder)
        retain = {name: items for name, items in everything.items() if name == "retain"}
        retain, fewer = limit(retain, self.config.retain_items)
        sets, cuts = limit({**everything, **retain}, source.limit)
        return BenchmarkData(
            roles=_roles(folder),
            starts=starts,
            sets=sets,
            revision=folder.revision,
            partial=bool(cuts),
            notes=(*folder.notes, *_notes(folder, starts), *fewer, *cuts),
        )

    def _starts(self, folder: Folder, source: Source) -> dict[str, Sequence[Row]]:
        """The start models and what each is fine-tuned on; on nothing: the given model."""
        kept = _rows("retain", folder.sets.get("retain", ()))
        forget = _rows("forget", folder.sets["forget"])
        finetuned = self.config.target == "finetuned"
        if self.config.target == "auto":
            finetuned = source.tiny
        if not finetuned and self.config.retrain:
            raise UserError(
                "forget.retrain trains the given model on retain alone, but a given model that "
                "knows the forget data does not lose it there; set forget.target=finetuned too"
            )
        starts: dict[str, Sequence[Row]] = {"target": [*forget, *kept] if finetuned else ()}
        return {**starts, "retrain": kept} if self.config.retrain else starts

    def requests(self, data: BenchmarkData) -> list[Request]:
        """Score every known text; continue all but the holdout set greedily."""
        asked: list[Request] = []
        for name, items in data.sets.items():
            continued = name != NOT_CONTINUED
            for item in items:
                asked += item_requests(item, continued=continued, window=self.config.window)
        return asked

    def score(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
    ) -> Scores:
        """What can be measured; the distance to `baseline`, the retrain model."""
        return score(data.sets, responses, () if baseline is None else (baseline,))

    def score_cell(self, asked: Asked) -> Scores:
        """The same, against the retrain models of all start seeds."""
        return score(asked.data.sets, asked.responses, asked.baselines)

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """TOFU's and NPO's protocol; for the tiny model what trains it in seconds."""
        if model == "tiny":
            from suite.tiny import FINETUNE, RELEARN, TRAIN

            return {
                "finetune": dict(FINETUNE),
                "train": dict(TRAIN),
                "attack_relearn": dict(RELEARN),
            }
        shared = {"lr": 1e-5, "batch_size": 32, "weight_decay": 0.01}
        return {"finetune": {"epochs": 5, **shared}, "train": {"epochs": 10, **shared}}


def _rows(name: str, entries: Sequence[Entry]) -> list[Row]:
    return [row for entry in entries for row in entry.rows(name)]


def _roles(folder: Folder) -> dict[str, list[Row]]:
    """Training rows by role; the first alternate of each row of forget is trained on."""
    roles = {"forget": _rows("forget", folder.sets["forget"])}
    if "retain" in folder.sets:
        roles["retain"] = _rows("retain", folder.sets["retain"])
    if "alternate" in folder.answers:
        roles["alternate"] = []
        for row, entry in zip(roles["forget"], folder.sets["forget"], strict=True):
            answer = folder.answers["alternate"][entry.id][0].completion
            roles["alternate"].append(Row(row.id, row.prompt, answer, row.cluster))
    return roles


def _sets(folder: Folder) -> dict[str, list[Item]]:
    """The evaluation sets."""
    sets: dict[str, list[Item]] = {}
    for name, entries in folder.sets.items():
        sets[name] = []
        for entry in entries:
            about = folder.answers if name == "forget" else {}
            answers = {kind: found[entry.id] for kind, found in about.items()}
            sets[name].append(item_of(name, entry, **answers))
    return sets


def _notes(folder: Folder, starts: Mapping[str, Sequence[Row]]) -> list[str]:
    """What a reader of the numbers must know."""
    notes = [] if starts["target"] else [GIVEN]
    everything = [entry for entries in folder.sets.values() for entry in entries]
    texts = [entry for entry in everything if entry.is_text]
    if texts:
        windows = sum(len(entry.pieces) for entry in texts)
        notes.append(
            f"{len(texts)} plain texts in {windows} windows; the first of each is continued"
        )
    if "alternate" in folder.answers:
        notes.append(
            "truth ratios ask about all alternates; methods with the role alternate train on the "
            "first of each row"
        )
    return notes + recall_note(entry.text for entry in everything)


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [Forget]
