"""What benchmarks are scored with in the kit: answers and verdicts that follow from ids alone."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.api.batch import Batch, Policy
from suite.api.judge import Choice, Cost, Verdict
from suite.api.method import Method
from suite.api.pairs import PairedMethod, PairLogps
from suite.api.requests import Generate, Generated, Request, Response, ScoreText, TextScore
from suite.api.step import LossOutput
from suite.api.verdicts import Judged, Question, Verdicts
from suite.testing.rules import DoesNotApply

CHOICES: tuple[Choice, ...] = ("first", "second", "tie")


def answers(requests: Sequence[Request], *, of: str) -> dict[str, Response]:
    """An answer to every request. `of`: which model is made up."""
    return {
        request.id: _answer(request, random.Random(f"{of}/{request.id}")) for request in requests
    }


def _answer(request: Request, drawn: random.Random) -> Response:
    if isinstance(request, ScoreText):
        count = len(request.completion.split()) + 1  # and the end of sequence
        logps = tuple(-drawn.expovariate(1.0) for _ in range(count))
        return TextScore(request.id, logps, tuple(value > -0.5 for value in logps))
    if isinstance(request, Generate):
        words = (request.guess or "Nobody knows that .").split()
        texts = tuple(" ".join(drawn.sample(words, len(words))) for _ in range(request.n))
        tokens = tuple(tuple(range(len(text.split()) + 1)) for text in texts)
        kl = tuple(drawn.random() for _ in texts)
        return Generated(request.id, texts, (True,) * request.n, tokens, kl)
    raise DoesNotApply(f"requests of the kind {request.kind!r} are not made up here")


def verdicts(questions: Sequence[Question]) -> Verdicts:
    """A verdict in both orders on every question, and on the canary."""
    judged = {question.id: _judged(question, "model") for question in questions}
    canary = {question.id: _judged(question, "canary") for question in questions[:20]}
    return Verdicts(judged, canary, Cost())


def _judged(question: Question, of: str) -> Judged:
    drawn = random.Random(f"{of}/{question.id}")
    shown = [Verdict(question.id, drawn.choice(CHOICES)) for _ in range(2)]
    return Judged(f"answer of {of}", question.reference or "another answer", *shown)


@dataclass(frozen=True)
class NoSettings:
    """Of the kit's own methods."""

    beta: float = 0.1
    """Inverse temperature."""


class Ascent(Method[NoSettings]):
    """Gradient ascent, for experiments that forget."""

    name = "kit_ascent"
    family = "unlearning"
    roles = frozenset({"forget"})
    Config = NoSettings

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Mean log-probability of the forget answers."""
        forget = batch["forget"]
        return LossOutput(forget.mean(policy(forget).logps))


class Margins(PairedMethod[NoSettings]):
    """A logistic loss of margins, for experiments that prefer."""

    name = "kit_margins"
    Config = NoSettings

    def pair_loss(self, pairs: PairLogps) -> Any:
        """-log sigma(beta h)."""
        from torch.nn.functional import logsigmoid

        chosen, rejected = pairs.logratios
        return -logsigmoid(self.config.beta * (chosen - rejected))


def method_for(provides: frozenset[str]) -> Method[Any]:
    """A method of the kit that an experiment with such data can run."""
    known: Mapping[str, type[Method[Any]]] = {"forget": Ascent, "pairs": Margins}
    for role, cls in known.items():
        if role in provides:
            return cls(NoSettings())
    raise DoesNotApply(f"the kit has no method for {sorted(provides)}")
