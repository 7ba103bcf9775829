"""A reward as a training step sees it: tokenised answers in, floats out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.api.data import Encoded, Given
    from suite.api.reward import Reward, Rewarder
    from suite.model.encoding import Encoder


def rewarder(reward: Reward | None, prompts: Given, encoder: Encoder) -> Rewarder | None:
    """A reward of texts as a reward of tokenised answers to these prompts."""
    if reward is None:
        return None
    conversations = {encoder.encode_prompt(row.prompt): row.prompt for row in prompts}

    def score(texts: Sequence[Encoded]) -> list[float]:
        prompts = [conversations[text.prompt_ids] for text in texts]
        return reward.score(prompts, [encoder.decode(text.completion_ids) for text in texts])

    return score
