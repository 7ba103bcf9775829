"""Edit distance: what preference training does to tokens that both answers share.

The experiment of DPOP, arXiv 2402.13228.

    low   the answers, long derivations, differ in one digit
          DPO lowers the tokens after that digit, DPOP does not
    high  the answers differ throughout
          in the paper every method improves

Each has a training dose of its own, `low` a long one and `high` a short one, so these two differ in
distance *and* dose. Distance alone is seen at one dose, dose alone at one distance:

                  short dose     long dose
    low           low_short      low_long = low
    high          high_short     high_long
                  = high

    suite run --bench edit_distance --split low_short,low_long,high_short,high_long ...

A dose is epochs and learning rate of the reference (of tiny's; other models have one reference) and
of the methods. The pairs of a distance are the same at both doses. What stays part of the distance:
the reference of `high` is trained on twice as many answers, see below.

Methods start from `reference`, the base model fine-tuned on the correct derivations of the training
pairs; for `high` on both answers, as a model that the pairs were sampled from would find both
likely. (A reference that knows the chosen answers alone gives rejected ones -8 nats a token:
pushing these further down is all that there is to learn, and tiny's DPO lowers the chosen ones from
the first step on.)

The headline is the mean log-probability of the tokens after the first difference in the *correct*
derivation, on held-out questions. The paper, on MetaMath with 6.5 % of the tokens different:
reference -.37, DPOP -.26, DPO -1.82. What came out here is in `reports/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Annotated, Any

from annotated_types import Ge

from suite import (
    Benchmark,
    BenchmarkData,
    ItemScore,
    Method,
    MetricColumn,
    Pair,
    Request,
    Response,
    Row,
    Scores,
    Source,
    TextBenchmark,
    TextScore,
    UserError,
    hookimpl,
)
from suite.tables import digest

from ..pairs import means, scores
from ..pairs.data import REFERENCE, ROLES, Item, benchmark_data, checked, requests
from ..pairs.displacement import PICTURES, displacement
from .derivations import pairs

SEED = 2402_13228
LOW, HIGH = "low", "high"
SHORT, LONG = "short", "long"
SPLITS = {
    "low": (LOW, LONG),
    "high": (HIGH, SHORT),
    "low_short": (LOW, SHORT),
    "low_long": (LOW, LONG),
    "high_short": (HIGH, SHORT),
    "high_long": (HIGH, LONG),
}
"""Split -> edit distance of its pairs, training dose."""
Training = tuple[int, float]
"""Epochs, learning rate."""
TINY_DOSES: Mapping[str, tuple[Training, Training]] = {
    SHORT: ((5, 1e-3), (1, 3e-5)),
    LONG: ((20, 1e-3), (4, 1e-4)),
}
"""Dose -> training of the reference, training by a method; of the tiny model."""
DOSES: Mapping[str, tuple[Training, Training]] = {
    SHORT: ((3, 2e-5), (1, 5e-6)),
    LONG: ((3, 2e-5), (4, 5e-6)),
}
"""The same of other models."""
AFTER_EDIT = {"after_edit_logp": True, "after_edit_change": True}
"""Mean log-probability of the correct derivation's tokens after the first difference; minus the
reference's."""


@dataclass(frozen=True)
class EditDistanceConfig:
    """How many derivations, and how long."""

    training_pairs: Annotated[int, Ge(1)] = 256
    """Pairs that are trained on."""
    held_out_pairs: Annotated[int, Ge(1)] = 64
    """Pairs that are evaluated, of other questions."""
    steps: Annotated[int, Ge(2)] = 6
    """Steps of each derivation; something must follow the wrong one."""


class EditDistance(TextBenchmark[EditDistanceConfig]):
    """Pairs of derivations that differ in one token, or throughout."""

    name = "edit_distance"
    provides = ROLES
    splits = tuple(SPLITS)
    default_splits = ("low", "high")
    primary = ("after_edit_logp", "log_ratio_accuracy")
    columns = (
        *scores.COLUMNS,
        MetricColumn(
            "after_edit_logp",
            title="log-probability after the edit",
            help="the mean log-probability of the correct tokens after the edited one, in nats.",
        ),
    )
    starts = (REFERENCE,)
    baseline = REFERENCE
    pictures = PICTURES
    Config = EditDistanceConfig

    def load(self, source: Source) -> BenchmarkData:
        """Generate the pairs of a split."""
        if source.data is not None:
            raise UserError(
                "benchmark 'edit_distance' generates its pairs; --data is for benchmark "
                "'preferences'"
            )
        config = self.config
        distance, dose = SPLITS[source.split]
        count = config.training_pairs + config.held_out_pairs
        made: list[Pair] = []
        rows: list[dict[str, str]] = []
        for pair in pairs(count, config.steps, distance, SEED):
            made.append(checked(pair, f"generated pair {pair.id}"))
            question = pair.prompt[0].content
            rows.append({"prompt": question, "chosen": pair.chosen, "rejected": pair.rejected})
        training, held_out = made[: config.training_pairs], made[config.training_pairs :]
        revision = f"generated@{digest(rows)[:12]}"
        note = f"edit_distance {source.split}: pairs of {distance} distance, {dose} training dose"
        data = benchmark_data(source.split, training, held_out, revision, source.limit, [note])
        if distance == LOW:
            return data
        return replace(data, starts={REFERENCE: both_answers(training)})

    def requests(self, data: BenchmarkData) -> list[Request]:
        """The log-likelihood of both answers to every held-out question."""
        return requests(data)

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
        """Log-probabilities after the edit, rewards, log-probabilities of whole answers."""
        ((name, items),) = data.sets.items()
        found = scores.item_scores(name, items, responses, baseline, method)
        for item in items:
            found += _after_edit_scores(name, item, responses, baseline)
        directions = {**AFTER_EDIT, **scores.REWARDS, **scores.LIKELIHOODS}
        return Scores(found, [*means.summarise(found, directions), *displacement(items, found)])

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """The split's dose: derivations are learned, and it is seen what a method changes.

        `high` alone is trained less. Once the model tells the two styles apart, DPO lowers tiny's
        chosen answers too (from -.70 to -.83 nats a token in four epochs at 1e-4), and a reference
        that has memorised them leaves nothing to gain.
        """
        _, dose = SPLITS[split]
        doses = TINY_DOSES if model == "tiny" else DOSES
        (start_epochs, start_lr), (epochs, lr) = doses[dose]
        warmup = {"warmup_steps": 0, "warmup_epochs": 0.25}
        return {
            "finetune": {"epochs": start_epochs, "lr": start_lr, "batch_size": 16},
            "train": {"epochs": epochs, "lr": lr, "batch_size": 16, **warmup},
        }


def both_answers(pairs: Sequence[Pair]) -> list[Row]:
    """Rows of the chosen and of the rejected answers."""
    rows: list[Row] = []
    for pair in pairs:
        for which, answer in (("chosen", pair.chosen), ("rejected", pair.rejected)):
            rows.append(Row(f"{pair.id} ({which})", pair.prompt, answer, pair.cluster))
    return rows


def _after_edit_scores(
    name: str,
    item: Item,
    responses: Mapping[str, Response],
    baseline: Mapping[str, Response] | None,
) -> list[ItemScore]:
    """The log-probability after the edit and its change; without values where one is missing."""
    values: Sequence[float | None] = (None, None)
    note = ""
    try:
        answers = scores.answers(item, responses, baseline)
        start = first_difference(answers.chosen, answers.rejected) + 1
        logp = mean_from(answers.chosen, start)
        values = (logp, logp - mean_from(answers.ref_chosen, start))
    except scores.MissingError as reason:
        note = str(reason)
    return [
        ItemScore(metric, name, item["id"], item["cluster"], value, note)
        for metric, value in zip(AFTER_EDIT, values, strict=True)
    ]


def first_difference(chosen: TextScore, rejected: TextScore) -> int:
    """Place of the first token in which two answers differ.

    MissingError without tokens, or if none differs.
    """
    for response in (chosen, rejected):
        if len(response.tokens) != len(response.token_logps):
            raise scores.MissingError(f"{response.id}: the engine does not tell the tokens")
    # Not strict: the answers may differ in length.
    for place, (a, b) in enumerate(zip(chosen.tokens, rejected.tokens, strict=False)):
        if a != b:
            return place
    raise scores.MissingError("no token differs")


def mean_from(response: TextScore, start: int) -> float:
    """Mean log-probability of the tokens from `start` on, nats. MissingError if there is none."""
    if start >= len(response.token_logps):
        raise scores.MissingError("no token follows the first difference")
    return fmean(response.token_logps[start:])


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [EditDistance]
