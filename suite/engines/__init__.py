"""Who answers requests. One engine serves many checkpoints of the same architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from suite.benchmark import Request, Response


class Engine(ABC):
    """Base class of every engine plugin. Making one is cheap; the first `load` starts it."""

    name: ClassVar[str]

    def __init__(self, *, device: str, dtype: str, template: str, max_length: int) -> None:
        self.device = device
        self.dtype = dtype
        self.template = template
        self.max_length = max_length

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

    @abstractmethod
    def identity(self) -> dict[str, str]:
        """Name and versions, as they enter the key of what this engine answers."""
