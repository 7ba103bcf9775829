"""Preferences: train on pairs; does the model tell held-out pairs apart, and at what cost?

    reference   the base model, fine-tuned on the chosen answers as in DPO's paper
    method      starts from the reference and trains on the pairs

Reported on pairs with held-out prompts: the share that the policy tells apart by its log-ratio to
the reference, which asks every method the same; accuracy and margin of the method's own reward, as
a diagnostic; log-probabilities of both answers, displacement (the share of pairs whose *chosen*
answer became less likely than under the reference, by how much the two answers differ), and
KL(policy || reference) over answers sampled from the policy.

Data (`--data`, a file, a folder or a hub id): rows with `prompt`, `chosen`, `rejected`, or
dialogues in the style of HH, with `chosen` and `rejected` alone. The tiny model has pairs of its
own, about the people that it knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from suite import (
    Benchmark,
    BenchmarkData,
    Method,
    MetricColumn,
    Request,
    Response,
    Scores,
    Source,
    TextBenchmark,
    hookimpl,
)
from suite.ranges import Positive

from ..pairs import means, scores
from ..pairs.data import REFERENCE, ROLES, benchmark_data, requests
from ..pairs.displacement import PICTURES, displacement
from ..pairs.formats import PAIRS
from . import divergence
from .generated import generated
from .read import published
from .split import hold_out

HELD_OUT = "held_out"


@dataclass(frozen=True)
class PreferencesConfig:
    """Which pairs are trained on, which are held out."""

    held_out: Positive = 0.2
    """Prompts that are not trained on but evaluated: a share of them if below 1, otherwise their
    number."""
    table: str | None = None
    """Table of a folder (default: its only one, or train), or configuration of a hub dataset
    (default: default)."""
    kl_prompts: Annotated[int, Ge(0)] = 64
    """Held-out prompts to each of which an answer is sampled for KL(policy || reference); 0: no KL.
    """
    kl_tokens: Annotated[int, Ge(1)] = 128
    """Tokens at which such an answer is cut; the KL is up to there."""
    drop_unusable: bool = False
    """Leave out pairs with equal answers, and dialogues with an empty answer, instead of refusing
    the data."""
    max_characters: Annotated[int, Ge(1)] | None = None
    """Leave out pairs whose prompt and longer answer have more characters, e.g. where a model's
    context is short."""


class Preferences(TextBenchmark[PreferencesConfig]):
    """Any preference data, with rewards, log-probabilities and displacement on held-out prompts."""

    name = "preferences"
    provides = ROLES
    primary = ("log_ratio_accuracy", "displaced")
    data_files = (PAIRS,)
    columns = (
        *scores.COLUMNS,
        MetricColumn(
            "displaced",
            help="the share of chosen answers that became less likely than under the reference.",
        ),
    )
    reference_point: ClassVar[Mapping[str, float]] = {"log_ratio_accuracy": 0.0, "displaced": 1.0}
    starts = (REFERENCE,)
    baseline = REFERENCE
    pictures = PICTURES
    measures_kl = True
    Config = PreferencesConfig

    def load(self, source: Source) -> BenchmarkData:
        """Read and check the pairs, and hold some prompts out."""
        config = self.config
        if source.data is None and source.tiny:
            read = generated()
        else:
            read = published(
                source.data, config.table, drop=config.drop_unusable, longest=config.max_characters
            )
        training, held_out = hold_out(read.pairs, config.held_out)
        kl = (
            "sequence_kl: KL(policy || reference) summed over the steps of one answer sampled to "
            f"each of the first {config.kl_prompts} held-out prompts, at temperature 1, cut at "
            f"{config.kl_tokens} tokens"
        )
        notes = (*read.notes, kl)
        return benchmark_data(HELD_OUT, training, held_out, read.revision, source.limit, notes)

    def requests(self, data: BenchmarkData) -> list[Request]:
        """Score both answers to every held-out prompt, and sample an answer to some."""
        config = self.config
        sampled = divergence.requests(data.sets[HELD_OUT], config.kl_prompts, config.kl_tokens)
        return [*requests(data), *sampled]

    def score(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
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
        """Rewards, log-probabilities, displacement by edit distance, KL to the reference."""
        items = data.sets[HELD_OUT]
        found = scores.item_scores(HELD_OUT, items, responses, baseline, method)
        metrics = means.summarise(found, {**scores.REWARDS, **scores.LIKELIHOODS})
        kl = divergence.item_scores(HELD_OUT, items, responses, self.config.kl_prompts)
        return Scores([*found, *kl], [*metrics, *displacement(items, found), divergence.metric(kl)])

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """DPO's protocol: one pass over the chosen answers, one over the pairs.

        The tiny model gets what it needs to learn.
        """
        if model == "tiny":
            warmup = {"warmup_steps": 0, "warmup_epochs": 0.25}
            return {
                "finetune": {"epochs": 2, "lr": 3e-4, "batch_size": 16},
                "train": {"epochs": 3, "lr": 1e-4, "batch_size": 16, **warmup},
            }
        return {"finetune": {"epochs": 1, "batch_size": 64}, "train": {"epochs": 1}}


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [Preferences]
