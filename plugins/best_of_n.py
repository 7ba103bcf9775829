"""Best-of-N: the answer that the reward model likes best among N of the starting model (arXiv 2009.01325).

    y = argmax_i r(x, y_i),   y_1 ... y_N ~ pi_ref(. | x)          KL(y || pi_ref) <= log N - (N - 1) / N

Nothing is trained. The bound holds for any reward (arXiv 2401.01879), and grows by 1 nat for every factor e in N.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from suite import Engine, Method, Request, Response, Reward, UntrainedMethod, hookimpl
from suite.ranges import Count, Positive


@dataclass(frozen=True)
class BestOfNConfig:
    """How many answers, how different."""

    n: Count = 16
    """Answers to choose from, N (DPO's paper: 128; it sees little gain beyond 64)."""
    temperature: Positive = 1.0
    """Of the samples, whatever temperature the benchmark asks for; the KL bound is that of temperature 1."""


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
        """N samples for each text that a request wants, and of these the best; likelihoods nobody can tell."""
        assert self.reward is not None, "prepare comes first"
        n, temperature = self.config.n, self.config.temperature
        many = [
            replace(request, n=request.n * n, temperature=temperature, completion="")
            for request in requests
            if request.kind == "generate"
        ]
        sampled = engine.respond(many)
        values = iter(
            self.reward.score(
                [request.prompt for request in many for _ in range(request.n)],
                [text for response in sampled for text in response.texts],
            )
        )
        best = {r.id: self._best(r, [next(values) for _ in r.texts]) for r in sampled}
        return [best.get(request.id, Response(request.id)) for request in requests]

    def _best(self, response: Response, values: Sequence[float]) -> Response:
        """The best of every N texts; of equal ones the first."""
        groups = (
            range(start, start + self.config.n) for start in range(0, len(values), self.config.n)
        )
        best = [max(group, key=values.__getitem__) for group in groups]
        return Response(
            response.id,
            texts=tuple(response.texts[i] for i in best),
            finished=tuple(response.finished[i] for i in best),
        )

    def kl_bound(self) -> float | None:
        """log N - (N - 1) / N; another temperature leaves the starting model by more."""
        n = self.config.n
        return math.log(n) - (n - 1) / n if self.config.temperature == 1 else None


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [BestOfN]
