"""Who answers requests. One engine serves many checkpoints of the same architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from suite.api.requests import Request, Response


@dataclass(frozen=True)
class NoSettings:
    """Of an engine that has none."""


class Engine(ABC):
    """Base class of every engine plugin. Making one is cheap; the first `load` starts it."""

    name: ClassVar[str]
    Config: ClassVar[type[Any]] = NoSettings
    """A frozen dataclass like a method's: the section of the engine's name, `--set
    vllm.gpu_share=0.5`."""
    extra: ClassVar[str] = ""
    """The package that it needs beside its distribution's own, if any. The distribution has an
    extra of the same name; a run that asks for it without the package is refused while planning."""
    answers_apart: ClassVar[bool] = False
    """Whether an answer does not depend on what is asked along with it. Then each is kept as soon
    as `stream` yields it; otherwise requests are asked and kept in chunks that never change."""

    def __init__(
        self, *, device: str, dtype: str, template: str, max_length: int, config: Any = None
    ) -> None:
        self.device = device
        self.dtype = dtype
        self.template = template
        self.max_length = max_length
        self.config = self.Config() if config is None else config

    @property
    def serves_one_model(self) -> bool:
        """Whether it cannot be given other weights: then it answers for the model that a run starts
        from, only."""
        return False

    def check(self, requests: Sequence[Request]) -> None:
        """Raise UserError for what it cannot answer. Called before anything is computed; nothing is
        loaded."""
        return

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Answer from the weights in `folder` (a Hugging Face model folder) from now on."""

    @abstractmethod
    def stream(self, requests: Sequence[Request]) -> Iterator[Response]:
        """Answer every request once, in an order that is convenient for the engine."""

    def respond(self, requests: Sequence[Request]) -> list[Response]:
        """Answer every request, in the order given."""
        answers = {response.id: response for response in self.stream(requests)}
        return [answers[request.id] for request in requests]

    def rest(self) -> None:  # noqa: B027  optional
        """No more requests until the next `load`: give back what training could use. By default
        nothing."""

    def agreement(self) -> Mapping[str, float] | None:
        """Log-probabilities of the loaded weights against the training stack's; None where they are
        the same.

        `mean` and `max` absolute difference over `tokens` tokens, nats.
        """
        return None

    @abstractmethod
    def identity(self) -> dict[str, str]:
        """Name and versions, as they enter the key of what this engine answers."""
