"""Preferences: train on pairs of answers, and see whether held-out pairs are told apart, and at what price.

    reference   the base model, fine-tuned on the chosen answers (as DPO's paper does first); where methods start
    method      then trained on the pairs

Reported on pairs with held-out prompts: accuracy and margin of the method's own reward, log-probabilities of both
answers, and displacement: the share of pairs whose *chosen* answer became less likely than under the reference, by
how much the two answers differ.

Data (`--data`, a file, a folder or a hub id): rows with `prompt`, `chosen`, `rejected`, or dialogues in the style of
HH, with `chosen` and `rejected` alone. The tiny model has pairs of its own, about the people that it knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite import (
    Benchmark,
    BenchmarkData,
    ItemScore,
    Method,
    Metric,
    Request,
    Response,
    Scores,
    Source,
    TextBenchmark,
    hookimpl,
)
from suite.ranges import Positive

from ..pairs import scores
from ..pairs.data import REFERENCE, ROLES, Item, benchmark_data, requests
from .generated import generated
from .read import published
from .split import hold_out

HELD_OUT = "held_out"
BUCKETS = {"low": 0.3, "medium": 0.7, "high": float("inf")}
"""Edit distance -> the limit that it stays below. DPO's failure was shown at .065, its success at .9 (DPOP,
arXiv 2402.13228)."""


@dataclass(frozen=True)
class PreferencesConfig:
    """Which pairs are trained on, which are held out."""

    held_out: Positive = 0.2
    """Prompts that are not trained on but evaluated: a share of them if below 1, otherwise their number."""
    table: str | None = None
    """Table of a folder (default: train), or configuration of a hub dataset (default: default)."""
    drop_unusable: bool = False
    """Leave out pairs with equal answers, and dialogues with an empty answer, instead of refusing the data."""


class Preferences(TextBenchmark[PreferencesConfig]):
    """Any preference data, with rewards, log-probabilities and displacement on held-out prompts."""

    name = "preferences"
    provides = ROLES
    primary = ("reward_accuracy", "displaced")
    baseline = REFERENCE
    Config = PreferencesConfig

    def load(self, source: Source) -> BenchmarkData:
        """Read and check the pairs, and hold some prompts out."""
        own = source.data is None and source.tiny
        read = generated() if own else published(source.data, self.config.table, drop=self.config.drop_unusable)
        training, held_out = hold_out(read.pairs, self.config.held_out)
        sampled = "log-ratios on given answers are no KL(policy || reference), which needs sampled answers"
        return benchmark_data(HELD_OUT, training, held_out, read.revision, source.limit, (*read.notes, sampled))

    def requests(self, data: BenchmarkData) -> list[Request]:
        """The log-likelihood of both answers to every held-out prompt."""
        return requests(data)

    def score(
        self, data: BenchmarkData, responses: Mapping[str, Response], baseline: Mapping[str, Response] | None
    ) -> Scores:
        """Everything but rewards, which need the method."""
        return self.score_method(data, responses, baseline, None)

    def score_method(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
        method: Method[Any] | None,
    ) -> Scores:
        """Rewards, log-probabilities, and displacement by edit distance."""
        items = data.sets[HELD_OUT]
        found = scores.item_scores(HELD_OUT, items, responses, baseline, method)
        metrics = scores.summarise(found, {**scores.REWARDS, **scores.LIKELIHOODS})
        return Scores(found, [*metrics, *displacement(items, found)])

    def defaults(self, model: str) -> dict[str, dict[str, Any]]:
        """DPO's protocol: one pass over the chosen answers, one over the pairs; for the tiny model what it needs."""
        if model == "tiny":
            return {
                "finetune": {"epochs": 2, "lr": 3e-4, "batch_size": 16},
                "train": {"epochs": 3, "lr": 1e-4, "batch_size": 16, "warmup_steps": 0, "warmup_epochs": 0.25},
            }
        return {"finetune": {"epochs": 1, "batch_size": 64}, "train": {"epochs": 1}}


def displacement(items: Sequence[Item], found: Sequence[ItemScore]) -> list[Metric]:
    """Share of displaced pairs in each bucket of edit distance."""
    distance = {item["id"]: item["edit_distance"] for item in items}
    bucket = {id: next(name for name, limit in BUCKETS.items() if d < limit) for id, d in distance.items()}
    parts = {
        name: [score for score in found if score.metric == "displaced" and bucket[score.item_id] == name]
        for name in BUCKETS
    }
    return [scores.mean(f"displaced_{name}", part, False, share=True) for name, part in parts.items()]


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [Preferences]
