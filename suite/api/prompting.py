"""Methods that train nothing: another way of asking a model that is there already.

class ZeroShot(UntrainedMethod[ZeroShotConfig]):
    name, answered_by, Config = "zero_shot", "base", ZeroShotConfig

    def respond(self, engine, requests):
        return engine.respond([... for request in requests])
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from suite.api.batch import Batch, Policy
from suite.api.method import C, Method
from suite.api.step import LossOutput
from suite.core.errors import UserError

if TYPE_CHECKING:
    from suite.api.engine import Engine
    from suite.api.requests import Request, Response


class UntrainedMethod(Method[C]):
    """Base class of prompting and of choosing among samples; one cell whatever the seeds."""

    family = "baseline"
    roles: ClassVar[frozenset[str]] = frozenset()
    trains = False

    @abstractmethod
    def respond(self, engine: Engine, requests: Sequence[Request]) -> list[Response]:
        """Answer the benchmark's requests in the method's way."""

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Never called by the host."""
        raise UserError(f"{self.name} trains nothing, so it has no loss")
