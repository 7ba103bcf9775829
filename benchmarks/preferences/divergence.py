"""KL(policy || reference) on held-out prompts, in nats.

    held_out/12/sampled    an answer to the prompt of pair 12, sampled at temperature 1
    sequence_kl 3.1        its KL, summed over its tokens

At every step of a sampled answer the divergence is exact, over the whole vocabulary
(`suite.model.kl`); only the mean over answers is an estimate. Log-ratios of given answers are no
such thing: the policy did not draw them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from suite import (
    Generate,
    Generated,
    ItemScore,
    Message,
    Metric,
    Request,
    Response,
)

from ..pairs import means
from ..pairs.data import Item

NAME = "sequence_kl"


def requests(items: Sequence[Item], prompts: int, tokens: int) -> list[Request]:
    """Ask for a sampled answer to each of the first `prompts` different prompts.

    `tokens`: where an answer is cut.
    """
    asked: list[Request] = []
    for item in _sampled(items, prompts):
        id, prompt = f"{item['id']}/sampled", item["pair"].prompt
        request = Generate(id, prompt, max_new_tokens=tokens, temperature=1.0)
        asked.append(request)
    return asked


def item_scores(
    name: str, items: Sequence[Item], responses: Mapping[str, Response], prompts: int
) -> list[ItemScore]:
    """The divergence on each prompt of the set `name`; where there is none, the reason."""
    found: list[ItemScore] = []
    for item in _sampled(items, prompts):
        response = responses.get(f"{item['id']}/sampled")
        value: float | None = None
        note = "not measured: the answers are not samples of the model itself"
        if isinstance(response, Generated) and response.kl:
            value, note = response.kl[0], ""
            if not math.isfinite(value):
                value, note = None, "not finite"
        found.append(ItemScore(NAME, name, item["id"], item["cluster"], value, note))
    return found


def metric(found: Sequence[ItemScore]) -> Metric:
    """Mean over prompts."""
    if not found:
        return Metric(NAME, None, None, "nats", note="preferences.kl_prompts is 0")
    return means.mean(NAME, found, None)


def _sampled(items: Sequence[Item], prompts: int) -> list[Item]:
    """The first pair of each of the first prompts."""
    first: dict[tuple[Message, ...], Item] = {}
    for item in items:
        first.setdefault(item["pair"].prompt, item)
    return list(first.values())[:prompts]
