"""Best-of-N: of N answers of the starting model, the one with the highest reward.

    y = argmax_i r(x, y_i),    y_1 ... y_N ~ pi_ref(. | x)
    KL(y || pi_ref) <= log N - (N - 1) / N

Stiennon et al., arXiv 2009.01325. Nothing is trained. The bound holds for any reward (arXiv
2401.01879), and grows by 1 nat for every factor e in N.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from suite import (
    Engine,
    Generate,
    Generated,
    Method,
    Prompt,
    Request,
    Response,
    Reward,
    Unanswered,
    UntrainedMethod,
    hookimpl,
)
from suite.ranges import Count, Positive


@dataclass(frozen=True)
class BestOfNConfig:
    """How many answers, and how they are sampled."""

    n: Count = 16
    """Answers to choose from, N (DPO's paper: 128; it sees little gain beyond 64)."""
    temperature: Positive = 1.0
    """Sampling temperature, in place of the benchmark's; the KL bound holds at 1 only."""


class BestOfN(UntrainedMethod[BestOfNConfig]):
    """The best of N samples of the starting model, by the reward model."""

    name = "best_of_n"
    family = "alignment"
    answers = frozenset({"generate"})
    needs_reward = "model"
    Config = BestOfNConfig
    reward: Reward | None = None

    def prepare(self, rows: Mapping[str, Any], reward: Reward | None) -> None:
        """Keep the reward model."""
        self.reward = reward

    def respond(self, engine: Engine, requests: Sequence[Request]) -> list[Response]:
        """Sample N texts for each text that a request wants, and answer with the best of them.

        Requests for log-likelihoods stay unanswered: those of the best of N are not known.
        """
        assert self.reward is not None, "prepare comes first"
        wanted = [request for request in requests if isinstance(request, Generate)]
        enlarged = [self._enlarged(request) for request in wanted]
        sampled = [Generated.of(response) for response in engine.respond(enlarged)]
        prompts: list[Prompt] = []
        texts: list[str] = []
        for request, response in zip(enlarged, sampled, strict=True):
            prompts += [request.prompt] * request.n
            texts += response.texts
        # One call for all: a reward model reads texts in batches.
        values = iter(self.reward.score(prompts, texts))
        best: dict[str, Response] = {}
        for response in sampled:
            own_values = list(islice(values, len(response.texts)))
            best[response.id] = self._best(response, own_values)
        return [best.get(request.id, Unanswered(request.id)) for request in requests]

    def _enlarged(self, request: Generate) -> Generate:
        """The request for N times as many texts."""
        n, temperature = request.n * self.config.n, self.config.temperature
        return replace(request, n=n, temperature=temperature, guess="")

    def _best(self, response: Generated, values: Sequence[float]) -> Generated:
        """The best of every N texts; of equal ones the first."""
        best: list[int] = []
        for start in range(0, len(values), self.config.n):
            group = range(start, start + self.config.n)
            best.append(max(group, key=values.__getitem__))
        return Generated(
            response.id,
            texts=tuple(response.texts[i] for i in best),
            finished=tuple(response.finished[i] for i in best),
        )

    def kl_bound(self) -> float | None:
        """log N - (N - 1) / N. At another temperature the samples are not the starting model's."""
        n = self.config.n
        return math.log(n) - (n - 1) / n if self.config.temperature == 1 else None


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [BestOfN]
