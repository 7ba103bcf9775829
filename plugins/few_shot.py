"""Few-shot prompting: the base model sees examples as earlier turns of the conversation.

    user       prompt of demonstration 1
    assistant  its answer
    ...
    user       the request

Brown et al., arXiv 2005.14165. Each request gets its own demonstrations, chosen at random with its
prompt as the seed. A demonstration with the same prompt is never shown: it would give the answer
away. DPO's paper uses two.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from suite import (
    Engine,
    Message,
    Method,
    Request,
    Response,
    Reward,
    Row,
    UntrainedMethod,
    UserError,
    hookimpl,
)
from suite.ranges import Count


@dataclass(frozen=True)
class FewShotConfig:
    """How many examples."""

    shots: Count = 2
    """Demonstrations before each request."""


class FewShot(UntrainedMethod[FewShotConfig]):
    """The base model, asked after a few demonstrations."""

    name = "few_shot"
    roles = frozenset({"demonstrations"})
    answered_by = "base"
    Config = FewShotConfig

    def prepare(self, rows: Mapping[str, Any], reward: Reward | None) -> None:
        """Keep the demonstrations."""
        self.rows: Sequence[Row] = rows["demonstrations"]

    def respond(self, engine: Engine, requests: Sequence[Request]) -> list[Response]:
        """Ask with the demonstrations in front."""
        asked: list[Request] = []
        for request in requests:
            turns = self._examples(request.prompt)
            asked.append(replace(request, prompt=(*turns, *request.prompt)))
        return engine.respond(asked)

    def _examples(self, prompt: tuple[Message, ...]) -> list[Message]:
        """The turns of this prompt's demonstrations."""
        shots = self.config.shots
        order = random.Random(repr(prompt)).sample(self.rows, len(self.rows))
        shown = [row for row in order if row.prompt != prompt][:shots]
        if len(shown) < shots:
            raise UserError(
                f"few_shot.shots = {shots}, but only {len(shown)} demonstrations can be shown"
            )
        turns: list[Message] = []
        for row in shown:
            turns += [*row.prompt, Message("assistant", row.completion)]
        return turns


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [FewShot]
