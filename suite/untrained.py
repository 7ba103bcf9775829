"""Methods that train nothing: another way of asking a model that is there already.

class ZeroShot(UntrainedMethod[ZeroShotConfig]):
    name, answered_by, Config = "zero_shot", "base", ZeroShotConfig

    def respond(self, engine, requests):
        return engine.respond([... for request in requests])
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from suite.errors import UserError
from suite.method import C, LossOutput, Method, Policy

if TYPE_CHECKING:
    from suite.benchmark import Request, Response
    from suite.engines import Engine


class UntrainedMethod(Method[C]):
    """Base class of prompting and of choosing among samples; one cell whatever the seeds."""

    family = "baseline"
    roles: ClassVar[frozenset[str]] = frozenset()
    trains = False

    @abstractmethod
    def respond(self, engine: Engine, requests: Sequence[Request]) -> list[Response]:
        """Answer the benchmark's requests in the method's way."""

    def loss(self, policy: Policy, batch: Mapping[str, Any]) -> LossOutput:
        """Never called by the host."""
        raise UserError(f"{self.name} trains nothing, so it has no loss")
