"""Few-shot prompting: the base model sees examples as earlier turns of the conversation (arXiv 2005.14165).

    user       prompt of demonstration 1
    assistant  its answer
    ...
    user       the request

Each request gets its own demonstrations, chosen by a hash of its prompt and never one with that very prompt. DPO's
paper uses two.
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
    """The base model, asked behind a few demonstrations."""

    name = "few_shot"
    roles = frozenset({"demonstrations"})
    answered_by = "base"
    Config = FewShotConfig

    def prepare(self, rows: Mapping[str, Any], reward: Reward | None) -> None:
        """Keep the demonstrations."""
        self.rows: Sequence[Row] = rows["demonstrations"]

    def respond(self, engine: Engine, requests: Sequence[Request]) -> list[Response]:
        """Ask behind the demonstrations."""
        return engine.respond(
            [replace(r, prompt=(*self._examples(r.prompt), *r.prompt)) for r in requests]
        )

    def _examples(self, prompt: tuple[Message, ...]) -> list[Message]:
        order = random.Random(repr(prompt)).sample(self.rows, len(self.rows))
        others = [row for row in order if row.prompt != prompt][: self.config.shots]
        if len(others) < self.config.shots:
            raise UserError(
                f"few_shot.shots = {self.config.shots}, but only {len(others)} demonstrations can be shown"
            )
        return [
            turn for row in others for turn in (*row.prompt, Message("assistant", row.completion))
        ]


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [FewShot]
