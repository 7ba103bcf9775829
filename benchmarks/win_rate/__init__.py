"""Win rate: whose answers does a judge prefer, the candidate's or the rival's?

    reference   the base model, fine-tuned on the chosen answers of the training pairs
    method      starts from the reference and trains on the pairs

Every prompt is judged in both orders and the two are averaged, ties half: a prompt scores 0, 1/4,
1/2, 3/4 or 1. The rival is the data's own answer (`against=answer`), a start model
(`against=reference`) or a method (`against=sft`). Several temperatures are a sweep; the first one
makes the headline.

Data (`--data`, a file, a folder or a hub id): pairs as for `preferences` (HH dialogues, TL;DR
preferences), of which some prompts are held out and judged; or prompts with an answer, which train
nothing: AlpacaEval's `instruction` and `output`, TL;DR's `prompt` and `label`, ... With `prompts`
the pairs train and that file is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from suite import (
    ANSWER,
    Benchmark,
    BenchmarkData,
    Generate,
    JudgedBenchmark,
    Message,
    MetricColumn,
    Pair,
    Question,
    Request,
    Response,
    Reward,
    Scores,
    Source,
    UserError,
    Verdicts,
    hookimpl,
)
from suite.ranges import Count, FilePathOrNone, NonNegative, Positive

from ..pairs.data import REFERENCE, ROLES, roles_of
from ..pairs.formats import PAIRS, PROMPTS
from .annotations import of_annotations
from .difficulties import difficulties
from .read import GENERATED, read
from .score import item_scores, summarise
from .truth import Truth


@dataclass(frozen=True)
class WinRateConfig:
    """Which prompts are judged, against whom, by which standard."""

    against: str = ANSWER
    """The rival: `answer` (the data's own), a start model (`reference`) or a method as in
    --methods."""
    criterion: Literal["helpfulness", "summary", "summary_concise"] = "helpfulness"
    """What makes an answer better; see the judge's instructions in the report."""
    temperatures: tuple[NonNegative, ...] = (0.0,)
    """Sampling temperatures, the first for the headline. DPO's paper (arXiv 2305.18290) has 0, .25,
    .5, .75 and 1."""
    max_new_tokens: Count = 256
    """Longest answer, tokens."""
    held_out: Positive = 0.2
    """Of pairs: prompts that are not trained on but judged: a share of them if below 1, otherwise
    their number."""
    prompts: FilePathOrNone = None
    """File of prompts to judge instead (AlpacaEval, TL;DR, JSON lines); all pairs of the data then
    train."""
    difficulties: FilePathOrNone = None
    """Table of the instructions' difficulties (instruction_sha256, difficulty) for the length
    control; used if it has every judged instruction."""
    table: str | None = None
    """Table of a folder (default: train), or configuration of a hub dataset (default: default)."""
    drop_unusable: bool = False
    """Leave out pairs with equal answers, and dialogues with an empty answer, instead of refusing
    the data."""


class WinRate(JudgedBenchmark[WinRateConfig]):
    """Share of prompts on which a judge prefers the answers, judged in both orders.

    With length control and a canary.
    """

    name = "win_rate"
    provides = ROLES
    starts = (REFERENCE,)
    primary = ("win_rate", "length_controlled_win_rate")
    columns = (
        MetricColumn(
            "win_rate",
            help="the share of prompts on which the judge prefers the answer, in both orders.",
        ),
        MetricColumn(
            "length_controlled_win_rate",
            help="the win rate that a logistic model predicts for answers of equal length.",
        ),
    )
    best_by = "win_rate"
    data_files = (PAIRS, PROMPTS)
    files = MappingProxyType(
        {
            "annotations": "annotations.json of AlpacaEval: win_rate, standard_error, ...",
            "difficulties": "Table of the instructions' difficulties, for the length control.",
        }
    )
    Config = WinRateConfig

    @property
    def against(self) -> str:
        """The rival of the settings."""
        return self.config.against

    def load(self, source: Source) -> BenchmarkData:
        """Read pairs and prompts; each temperature is an evaluation set."""
        found = read(source.data, source.tiny, self.config)
        judged = found.judged[: source.limit]
        is_cut = len(judged) < len(found.judged)
        notes = list(found.notes)
        if is_cut:
            notes.append(f"{len(judged)} of {len(found.judged)} prompts")
        hard, note = difficulties(self.config.difficulties, judged)
        notes.append(note)
        sets: dict[str, list[dict[str, Any]]] = {}
        for temperature in self.config.temperatures:
            name = set_name(temperature)
            sets[name] = [_item(name, *each) for each in zip(judged, hard, strict=True)]
        roles = roles_of(found.training) if found.training else {}
        starts = {REFERENCE: roles["demonstrations"]} if roles else {}
        return BenchmarkData(roles, starts, sets, found.revision, is_cut, notes)

    def requests(self, data: BenchmarkData) -> list[Request]:
        """One answer to every prompt at every temperature.

        The data's answer serves as a draft only.
        """
        asked: list[Request] = []
        for temperature in self.config.temperatures:
            for place, item in enumerate(data.sets[set_name(temperature)]):
                request = Generate(
                    f"{item['id']}/answer",
                    item["prompt"],
                    guess=item["answer"],
                    max_new_tokens=self.config.max_new_tokens,
                    temperature=temperature,
                    n=1,
                    seed=place,
                )
                asked.append(request)
        return asked

    def questions(self, data: BenchmarkData) -> list[Question]:
        """Every answer is judged."""
        asked: list[Question] = []
        for items in data.sets.values():
            for item in items:
                id, criterion = f"{item['id']}/answer", self.config.criterion
                asked.append(Question(id, item["prompt"], item["answer"], criterion))
        return asked

    def score_judged(
        self, data: BenchmarkData, responses: Mapping[str, Response], verdicts: Verdicts
    ) -> Scores:
        """Win rates, and how far the judge can be trusted."""
        found = item_scores(data.sets, verdicts.judged)
        return Scores(found, summarise(data.sets, found, verdicts))

    def score_files(self, files: Mapping[str, Path]) -> Scores:
        """AlpacaEval's numbers from its annotations."""
        if "annotations" not in files:
            raise UserError("benchmark 'win_rate' needs --annotations FILE")
        return of_annotations(files["annotations"], files.get("difficulties"))

    def reward(self, data: BenchmarkData) -> Reward | None:
        """How much of the true answer is told.

        Only for the tiny model's own prompts, whose answers are facts.
        """
        if not data.revision.startswith(GENERATED):
            return None
        answers: dict[tuple[Message, ...], str] = {}
        for pair in data.roles["pairs"]:
            if isinstance(pair, Pair):
                answers[pair.prompt] = pair.chosen
        first_set = next(iter(data.sets.values()))  # every set has the same prompts
        for item in first_set:
            answers[item["prompt"]] = item["answer"]
        return Truth(answers)

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """As `preferences`: one pass over the chosen answers, one over the pairs.

        The tiny model gets what it needs to learn.
        """
        if model == "tiny":
            warmup = {"warmup_steps": 0, "warmup_epochs": 0.25}
            return {
                "finetune": {"epochs": 2, "lr": 3e-4, "batch_size": 16},
                "train": {"epochs": 3, "lr": 1e-4, "batch_size": 16, **warmup},
            }
        return {"finetune": {"epochs": 1, "batch_size": 64}, "train": {"epochs": 1}}


def set_name(temperature: float) -> str:
    """Name of the evaluation set of a temperature."""
    return f"t{temperature:g}"


def _item(name: str, pair: Pair, difficulty: float | None) -> dict[str, Any]:
    return {
        "id": f"{name}/{pair.id}",
        "cluster": pair.cluster,
        "prompt": pair.prompt,
        "answer": pair.chosen,
        "difficulty": difficulty,
    }


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [WinRate]
