"""An attack: one way of finding out whether a model has forgotten or only hides what it knows.

    class Noisy(Attack[NoisyConfig]):
        name, Config = "noisy", NoisyConfig

        def phases(self, target):
            return [Phase("", kind="noise", spec={"scale": self.config.scale})]

An attack starts from the final model of a cell: of a method, the target, the retrain model alike.
It may change the model (`phases`), ask in another way (`requests`), ask about a part of the items
only (`tested`), and score the answers itself (`score`). The host stores each stage, and reports
what an attack finds beyond what it finds in the retrain model.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from suite.api.data import BenchmarkData, Pair, Row
from suite.api.knowledge import Knowledge
from suite.api.phases import Phase
from suite.api.requests import Request, Response
from suite.api.scores import Scores

C = TypeVar("C")
Item = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """What an attack is planned on, and scored by."""

    data: BenchmarkData
    requests: Sequence[Request]
    """What is asked: the benchmark's own requests, or those that the attack made of them."""
    knowledge: Knowledge
    quantized: str = ""
    """Why the weights of a model of this run are quantised already; "": none is known to be."""

    @property
    def items(self) -> Sequence[Item]:
        """The items that are to be forgotten."""
        return self.data.sets[self.knowledge.set]

    def about_items(self) -> Iterator[tuple[Item, Request]]:
        """Every request about an item that is to be forgotten, with the item."""
        items = {item["id"]: item for item in self.items}
        for request in self.requests:
            name = request.id
            while name and name not in items:
                name = name.rpartition("/")[0]
            if name:
                yield items[name], request


def is_about(item: Item, row: Row | Pair) -> bool:
    """Whether an item asks about a training row, by id: the row itself, or the text that it is a
    part of."""
    named = str(item.get("row", item["id"]))
    return row.id == named or row.id.startswith(f"{named}/")


class Attack(ABC, Generic[C]):
    """Base class of every attack plugin."""

    name: ClassVar[str]
    Config: ClassVar[type[Any]]
    """A frozen dataclass, as of a method. Its section is `attack_NAME`."""

    def __init__(self, config: C) -> None:
        self.config = config

    @property
    def metric(self) -> str:
        """What is compared before and after; "": the benchmark's `knowledge.metric`. An attack with
        a `score` of its own names a mean of its item scores: more is known more."""
        return ""

    @property
    def disjoint(self) -> bool:
        """Whether the rows that it trains on must hold no fact that it asks about. The host refuses
        those that do, by id and by text."""
        return True

    def check(self, target: Target) -> None:
        """Called while planning. Raise UserError for what cannot work."""

    def tested(self, target: Target) -> BenchmarkData:
        """The data with the items that are asked about; by default all."""
        return target.data

    def phases(self, target: Target) -> Sequence[Phase]:
        """Changes of the model, one for each point of the attack's grid: each starts from the
        cell's final model. By default none: the model is asked as it is. `target`: of `tested`."""
        return ()

    def requests(self, target: Target) -> Sequence[Request]:
        """What the attacked model is asked, by default what the benchmark asks. Ids must stay.
        `target`: of `tested`."""
        return target.requests

    def score(self, target: Target, responses: Mapping[str, Response]) -> Scores:
        """Score the answers; by default the benchmark does. Override it with `metric`. It is asked
        for the model before the attack too, with the benchmark's own requests."""
        raise NotImplementedError(f"attack {self.name!r} leaves scoring to the benchmark")


def scores_itself(attack: Attack[Any]) -> bool:
    """Whether an attack scores answers in a way of its own."""
    return type(attack).score is not Attack.score
