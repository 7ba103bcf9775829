"""Responses -> one score per held-out pair and metric; `means` makes metrics of them.

rho(y) = log pi(y|x) - log pi_ref(y|x), nats, summed over the answer's tokens, end-of-sequence
included; the reference is the baseline model.

    log_ratio_accuracy     rho(chosen) > rho(rejected), ties half: the same question for every
                           method, so this one is ranked
    own_reward_*           by the method's own reward (beta rho for DPO, beta times the mean
                           log-probability for SimPO): a diagnostic, never compared between methods

A tie counts half, as a coin would decide it. So the reference, whose rho is 0 throughout, has .5
(chance) and stays a row that methods are compared with; null would leave nothing to compare with,
and 0 would let the reference look worse than a model that learned the pairs upside down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import (
    ItemScore,
    Method,
    MetricColumn,
    PairedMethod,
    PairLogps,
    Response,
    Rewarded,
    TextScore,
)

from .data import Item

if TYPE_CHECKING:
    from torch import Tensor

Responses = Mapping[str, Response]

REWARDS = {
    "own_reward_accuracy": None,
    "own_reward_margin": None,
    "own_reward_chosen": None,
    "own_reward_rejected": None,
}
"""By the method's own reward -> no direction, as each method defines it. Accuracy: share of pairs
with a larger reward on the chosen answer."""
LIKELIHOODS = {
    "log_ratio_accuracy": True,
    "logp_accuracy": True,
    "chosen_logp": None,
    "rejected_logp": None,
    "chosen_mean_logp": None,
    "rejected_mean_logp": None,
    "chosen_log_ratio": None,
    "rejected_log_ratio": None,
    "displaced": False,
}
"""The same of log-probabilities. `mean`: per token; `displaced`: the chosen answer is less likely
than under the reference."""
COLUMNS = (
    MetricColumn(
        "log_ratio_accuracy",
        help=(
            "the share of held-out pairs of which the chosen answer gained more log-probability "
            "over the reference than the rejected one (the reference itself: .5)."
        ),
    ),
    MetricColumn(
        "own_reward_accuracy",
        title="own reward",
        below="log_ratio_accuracy",
        note=(
            "log_ratio_accuracy: the share of held-out pairs of which the chosen answer gained "
            "more log-probability over the reference than the rejected one, ties half: the same "
            "question for every method, .5 for the reference itself. own reward: the share by the "
            "reward that each method defines for itself, a diagnostic that is not ranked."
        ),
    ),
)
"""What the leaderboard of a benchmark of pairs shows beside its headline metrics."""


class MissingError(Exception):
    """A number that cannot be had from the responses; the text says why."""


@dataclass(frozen=True)
class Answers:
    """Both answers to one item, under the model and under the reference."""

    chosen: TextScore
    rejected: TextScore
    ref_chosen: TextScore
    ref_rejected: TextScore


def answers(item: Item, responses: Responses, baseline: Responses | None) -> Answers:
    """Look up the responses to an item. MissingError where one lacks, or is not finite."""
    if baseline is None:
        raise MissingError("no reference model")
    chosen, rejected = f"{item['id']}/chosen", f"{item['id']}/rejected"
    return Answers(
        chosen=_response(chosen, "", responses),
        rejected=_response(rejected, "", responses),
        ref_chosen=_response(chosen, "reference: ", baseline),
        ref_rejected=_response(rejected, "reference: ", baseline),
    )


def _response(id: str, whose: str, responses: Responses) -> TextScore:
    """The response to one request. MissingError, naming `whose` it is, where it is of no use."""
    what = f"{whose}{id.rpartition('/')[2]}"
    response = responses.get(id)
    if not isinstance(response, TextScore) or not response.token_logps:
        raise MissingError(f"{what}: no log-probabilities")
    count = len(response.token_logps)
    if bad := sum(not math.isfinite(logp) for logp in response.token_logps):
        raise MissingError(f"{what}: {bad} of {count} log-probabilities not finite")
    return response


def item_scores(
    name: str,
    items: Sequence[Item],
    responses: Responses,
    baseline: Responses | None,
    method: Method[Any] | None,
) -> list[ItemScore]:
    """Every metric of every item of the set `name`; where there is no value, the reason."""
    if any(isinstance(response, Rewarded) for response in responses.values()):
        return _reward_model_scores(name, items, responses)
    present: list[Item] = []
    absent: list[Item] = []
    found: list[Answers] = []
    reasons: dict[str, str] = {}
    for item in items:
        try:
            found.append(answers(item, responses, baseline))
            present.append(item)
        except MissingError as error:
            reasons[item["id"]] = str(error)
            absent.append(item)
    pairs = pair_logps(found)
    columns, no_reward = rewards(pairs, method)
    scores: list[ItemScore] = []
    for metric, values in {**likelihoods(pairs), **columns}.items():
        note = "" if metric in LIKELIHOODS else no_reward
        for item, value in zip(present, values, strict=True):
            scores.append(_score(metric, name, item, value, note))
    for metric in (*LIKELIHOODS, *REWARDS):
        for item in absent:
            scores.append(_score(metric, name, item, None, reasons[item["id"]]))
    return scores


def _reward_model_scores(name: str, items: Sequence[Item], responses: Responses) -> list[ItemScore]:
    """The rewards that a reward model gave; there are no log-probabilities."""
    scores: list[ItemScore] = []
    for item in items:
        chosen = Rewarded.of(responses[f"{item['id']}/chosen"]).reward
        rejected = Rewarded.of(responses[f"{item['id']}/rejected"]).reward
        values = (float(chosen > rejected), chosen - rejected, chosen, rejected)
        for metric, value in zip(REWARDS, values, strict=True):
            scores.append(_score(metric, name, item, value, ""))
        for metric in LIKELIHOODS:
            note = "a reward model has no log-probabilities"
            scores.append(_score(metric, name, item, None, note))
    return scores


def _score(metric: str, name: str, item: Item, value: float | None, note: str) -> ItemScore:
    """One score; a value that is not finite becomes the note."""
    if value is not None and not math.isfinite(value):
        value, note = None, f"{value}"
    return ItemScore(metric, name, item["id"], item["cluster"], value, note)


def pair_logps(found: Sequence[Answers]) -> PairLogps:
    """Summed log-probabilities and lengths of B items, (B,) each, fp64."""
    import torch

    def sums(responses: Sequence[TextScore]) -> Tensor:
        values = [math.fsum(response.token_logps) for response in responses]
        return torch.tensor(values, dtype=torch.float64)

    def lengths(responses: Sequence[TextScore]) -> Tensor:
        return torch.tensor([len(response.token_logps) for response in responses])

    chosen = [answers.chosen for answers in found]
    rejected = [answers.rejected for answers in found]
    return PairLogps(
        chosen_logps=sums(chosen),
        rejected_logps=sums(rejected),
        ref_chosen_logps=sums([answers.ref_chosen for answers in found]),
        ref_rejected_logps=sums([answers.ref_rejected for answers in found]),
        chosen_lengths=lengths(chosen),
        rejected_lengths=lengths(rejected),
    )


def likelihoods(pairs: PairLogps) -> dict[str, list[float]]:
    """Metrics that are the same for every method; B values each."""
    chosen_ratio, rejected_ratio = pairs.logratios
    # sign: 1, 0 or -1; a tie becomes .5.
    columns = {
        "log_ratio_accuracy": ((chosen_ratio - rejected_ratio).sign() + 1) / 2,
        "logp_accuracy": (pairs.chosen_logps > pairs.rejected_logps).double(),
        "chosen_logp": pairs.chosen_logps,
        "rejected_logp": pairs.rejected_logps,
        "chosen_mean_logp": pairs.chosen_mean_logps,
        "rejected_mean_logp": pairs.rejected_mean_logps,
        "chosen_log_ratio": chosen_ratio,
        "rejected_log_ratio": rejected_ratio,
        "displaced": (chosen_ratio < 0).double(),
    }
    return {metric: column.tolist() for metric, column in columns.items()}


def rewards(
    pairs: PairLogps, method: Method[Any] | None
) -> tuple[dict[str, Sequence[float | None]], str]:
    """Metrics of the method's own reward, or the reason why there are none."""
    nothing: Sequence[float | None] = [None] * len(pairs.chosen_logps)
    if method is None:
        return dict.fromkeys(REWARDS, nothing), "the reference: a reward needs a method"
    if not isinstance(method, PairedMethod):
        return dict.fromkeys(REWARDS, nothing), f"{method.name} defines no reward"
    chosen, rejected = method.rewards(pairs)
    columns = {
        "own_reward_accuracy": (chosen > rejected).double(),
        "own_reward_margin": chosen - rejected,
        "own_reward_chosen": chosen,
        "own_reward_rejected": rejected,
    }
    return {metric: column.tolist() for metric, column in columns.items()}, ""
