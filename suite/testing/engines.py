"""The rules for engines, on a model of a few thousand random weights."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from suite.api.data import Message
from suite.api.engine import Engine
from suite.api.requests import Generate, Generated, Request, Response, ScoreText, TextScore
from suite.core.errors import UserError
from suite.testing.rules import Broken, DoesNotApply, RuleBook
from suite.testing.settings import check_description, check_round_trip
from suite.testing.surroundings import disturb, untouched

ENGINE = RuleBook("engine")
CLOSE = 1e-4
"""Largest difference of a log-probability in another batch, nats (float32)."""


class Unheard(Request):
    """A kind of request that no engine knows."""

    kind = "unheard_of"


@dataclass
class EngineUnderTest:
    """An engine's class with the settings to test it with."""

    cls: type[Engine]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The engine's name."""
        return self.cls.name

    def make(self) -> Engine:
        """An instance. DoesNotApply: its settings do not allow one here."""
        config = self.cls.Config(**self.settings)
        try:
            return self.cls(
                device="cpu", dtype="float32", template="chat", max_length=128, config=config
            )
        except UserError as error:
            raise DoesNotApply(f"it cannot be made as it is: {error}") from None

    def loaded(self, seed: int = 0) -> Engine:
        """An instance that answers from the kit's model."""
        engine = self.make()
        if engine.serves_one_model:
            raise DoesNotApply("it serves one model, which the kit cannot give it")
        try:
            engine.load(model_folder(seed))
        except UserError as error:
            raise DoesNotApply(f"it cannot answer here: {error}") from None
        return engine


@cache
def model_folder(seed: int) -> Path:
    """A folder with the embedded tokenizer and a small model, until this process ends."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from suite.model.folder import save_model
    from suite.tiny.tokenizer import build

    holder = tempfile.TemporaryDirectory(prefix="suite-testing-")
    _HOLDERS.append(holder)
    tokenizer = build()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
        initializer_range=0.2,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        save_model(LlamaForCausalLM(config), tokenizer, Path(holder.name))
    return Path(holder.name)


_HOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Folders are removed with these."""


def _prompt(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def requests() -> list[Request]:
    """Likelihoods and texts: short, empty, with equal prompts, several at once."""
    question = _prompt("Where was Anna born?")
    return [
        ScoreText("score/0", question, "She was born in Paris."),
        ScoreText("score/empty", question, ""),
        Generate("write/0", question, max_new_tokens=6),
        ScoreText("score/other", _prompt("Who wrote Emma?"), "Jane Austen."),
        Generate("write/many", _prompt("Who wrote Emma?"), max_new_tokens=4, temperature=1.0, n=3),
    ]


@ENGINE.rule
def documented(engine: EngineUnderTest) -> None:
    """The class says in one line what it is, and every setting what it means."""
    check_description(engine.cls)


@ENGINE.rule
def settings(engine: EngineUnderTest) -> None:
    """Settings are frozen, and come back from a file as they were."""
    check_round_trip(engine.cls, dict(engine.settings))


@ENGINE.rule
def identity(engine: EngineUnderTest) -> None:
    """`identity` is a mapping of texts, which names what decides its answers."""
    made = engine.make()
    try:
        found: Any = made.identity()
    except UserError as error:
        raise DoesNotApply(f"it cannot answer here: {error}") from None
    if not (isinstance(found, Mapping) and found and all(map(_is_text, found.items()))):
        raise Broken(f"identity() is {found!r}", "texts by name: it enters the key of every answer")


def _is_text(item: tuple[Any, Any]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], str)


@ENGINE.rule
def unknown_kinds(engine: EngineUnderTest) -> None:
    """A kind of request that it does not know is refused, naming the engine and the kind."""
    try:
        engine.make().check([Unheard("a", ())])
    except UserError as error:
        if engine.name in str(error) and Unheard.kind in str(error):
            return
        raise Broken(f"the refusal is {str(error)!r}", "the engine's name and the kind") from None
    raise Broken(
        f"`check` takes a request of the kind {Unheard.kind!r}",
        "`suite.toolkit.check_kinds(self.name, requests)` in `check`: else it would be answered as "
        "something else",
    )


@ENGINE.essential
def answers(engine: EngineUnderTest) -> None:
    """Every request is answered once, by a response of its kind."""
    asked = requests()
    found = list(engine.loaded().stream(asked))
    if sorted(each.id for each in found) != sorted(each.id for each in asked):
        raise Broken(
            f"asked {[r.id for r in asked]}, it answers {[r.id for r in found]}", "each once"
        )
    by_id = {each.id: each for each in found}
    for request in asked:
        _check_answer(request, by_id[request.id])


def _check_answer(request: Request, response: Response) -> None:
    wanted = TextScore if isinstance(request, ScoreText) else Generated
    if not isinstance(response, wanted):
        raise Broken(f"{request.id}: a {type(response).__name__}", f"a {wanted.__name__}")
    if isinstance(response, TextScore):
        logps = response.token_logps
        if not logps or any(not math.isfinite(value) or value > 0 for value in logps):
            raise Broken(
                f"{request.id}: token_logps is {logps}",
                "log-probabilities, finite and at most 0, the end of sequence last: an empty "
                "answer has one",
            )
    if isinstance(response, Generated) and len(response.texts) != getattr(request, "n", 0):
        raise Broken(f"{request.id}: {len(response.texts)} texts", "n of them")


@ENGINE.rule
def reproducible(engine: EngineUnderTest) -> None:
    """The same requests have the same answers, whatever other programs have drawn."""
    loaded = engine.loaded()
    found = []
    for world in (0, 1):
        disturb(world)
        found.append(loaded.respond(requests()))
    if found[0] != found[1]:
        raise Broken("asked the same twice, it answers differently", "draws seeded by the request")


@ENGINE.rule
def alone(engine: EngineUnderTest) -> None:
    """How likely a text is does not depend on what is asked along with it."""
    loaded = engine.loaded()
    asked = [each for each in requests() if isinstance(each, ScoreText)]
    together = loaded.respond(requests())
    known = {each.id: each for each in together if isinstance(each, TextScore)}
    for request in asked:
        (single,) = loaded.respond([request])
        _check_close(request.id, TextScore.of(single).token_logps, known[request.id].token_logps)


def _check_close(id: str, one: Sequence[float], other: Sequence[float]) -> None:
    near = [math.isclose(a, b, abs_tol=CLOSE) for a, b in zip(one, other, strict=False)]
    if len(one) != len(other) or not all(near):
        raise Broken(
            f"{id}: alone its log-probabilities are {one}, beside others {other}",
            "the same, up to rounding: padding and neighbours have no influence",
        )


@ENGINE.rule
def weights(engine: EngineUnderTest) -> None:
    """After `load` of another checkpoint, answers are those of the other checkpoint."""
    loaded = engine.loaded(seed=0)
    request = requests()[0]
    (before,) = loaded.respond([request])
    loaded.load(model_folder(1))
    (after,) = loaded.respond([request])
    if before == replace(after, id=before.id):
        raise Broken("other weights give the same answer", "`load` takes the weights of its folder")


@ENGINE.rule
def surroundings(engine: EngineUnderTest) -> None:
    """Answering changes nothing that belongs to the whole process."""
    loaded = engine.loaded()
    with untouched("answering"):
        loaded.respond(requests())
