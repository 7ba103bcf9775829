"""How methods answer requests: an engine that answers without a model, and what it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from suite.api.data import Given, Message, Row
from suite.api.engine import Engine
from suite.api.method import Method
from suite.api.requests import (
    Generate,
    Generated,
    Request,
    Response,
    Rewarded,
    ScoreText,
    TextScore,
    Unanswered,
)
from suite.api.reward import Prompt, Reward
from suite.store import Json
from suite.testing.method import MethodUnderTest
from suite.testing.rules import Broken, DoesNotApply
from suite.testing.surroundings import disturb, untouched

ALLOWED: dict[type[Request], tuple[type[Response], ...]] = {
    ScoreText: (TextScore, Rewarded, Unanswered),
    Generate: (Generated, Unanswered),
}


class Parrot(Engine):
    """Answers with the number of letters that it was asked."""

    name = "parrot"

    def __init__(self) -> None:
        super().__init__(device="cpu", dtype="float32", template="chat", max_length=512)

    def load(self, folder: Path) -> None:
        """It has no weights."""

    def stream(self, requests: Sequence[Request]) -> Iterator[Response]:
        """Answer each request by a function of its prompt."""
        for request in requests:
            letters = sum(len(message.content) for message in request.prompt)
            if isinstance(request, Generate):
                texts = tuple(f"{(letters + 7 * i) % 10}" for i in range(request.n))
                yield Generated(request.id, texts, (True,) * request.n)
            elif isinstance(request, ScoreText):
                yield TextScore(request.id, (-1.0, -float(letters % 7)), (True, False))

    def identity(self) -> dict[str, str]:
        """Its name."""
        return {"engine": self.name}


class Digits(Reward):
    """The number that an answer is."""

    def score(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[float]:
        """Read it; what is no number counts its letters."""
        return [float(text) if text.isdigit() else float(len(text)) for text in continuations]

    def identity(self) -> dict[str, Json]:
        """Nothing decides but the answers."""
        return {}


def requests() -> list[Request]:
    """One question of each kind, and some answers at once."""
    prompt = (Message("user", "Who wrote the red book?"),)
    return [
        Generate("forget/0/answer", prompt, "Ada Lind.", max_new_tokens=8),
        ScoreText("forget/0/truth", prompt, "Ada Lind."),
        Generate("forget/1/answer", prompt, max_new_tokens=8, temperature=1.0, n=3),
    ]


def demonstrations() -> Given:
    """What prompting methods show."""
    return [
        Row(f"shown/{i}", (Message("user", f"Who wrote book {i}?"),), f"Author {i}.", f"{i}")
        for i in range(20)
    ]


def check_answers(method: MethodUnderTest) -> None:
    """Broken: `respond` loses, repeats or exchanges answers, or changes the process."""
    if method.cls.respond is Method.respond:
        raise DoesNotApply("it asks the model and nothing else")
    asked = requests()
    found = []
    for world in (0, 1):
        instance = method.make()
        instance.prepare({role: demonstrations() for role in method.cls.roles}, Digits())
        disturb(world)
        with untouched("`respond`"):
            found.append(instance.respond(Parrot(), list(asked)))
    answered = [response.id for response in found[0]]
    if answered != [request.id for request in asked]:
        raise Broken(
            f"asked {[r.id for r in asked]}, it answers {answered}", "one answer each, in order"
        )
    for request, response in zip(asked, found[0], strict=True):
        if not isinstance(response, ALLOWED[type(request)]):
            names = ", ".join(each.__name__ for each in ALLOWED[type(request)])
            raise Broken(f"a {type(request).__name__} gets a {type(response).__name__}", names)
        unanswered = isinstance(response, Unanswered)
        if unanswered == (request.kind in method.cls.answers):
            raise Broken(
                f"`answers` is {sorted(method.cls.answers)}, but a {request.kind!r} is "
                f"{'not ' if unanswered else ''}answered",
                "`answers` names the kinds that it answers, all of them and no other",
            )
    if found[0] != found[1]:
        raise Broken("asked the same twice, it answers differently", "answers that repeat")
