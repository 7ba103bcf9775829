"""An engine's answers to a method that answers in its own way, kept as they come.

    with Remembered(engine, scratch / "asked.jsonl") as asked:
        method.respond(asked, chunk)        what the file holds is not asked again

Few-shot prompting and best-of-n ask a paid endpoint for other texts than the benchmark does, and
answer a whole chunk of requests at once. An interruption in between would lose all that was paid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from suite.api.engine import Engine
from suite.api.requests import Request, Response
from suite.core import faults, interrupt
from suite.stages.responses import response_json, response_of
from suite.store import JsonlWriter, digest, read_jsonl


class Remembered(Engine):
    """Asks an engine that `answers_apart`, but for what the file holds."""

    name = "remembered"
    answers_apart = True

    def __init__(self, engine: Engine, file: Path) -> None:
        super().__init__(
            device=engine.device,
            dtype=engine.dtype,
            template=engine.template,
            max_length=engine.max_length,
            config=engine.config,
        )
        self._engine = engine
        self._file = file
        self._open = ExitStack()
        self._asked = Counter[str]()

    def __enter__(self) -> Remembered:
        self._log = self._open.enter_context(JsonlWriter(self._file))
        self._known = {
            line["key"]: response_of(line["answer"], str(self._file))
            for line in read_jsonl(self._file)
        }
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def stream(self, requests: Sequence[Request]) -> Iterator[Response]:
        """The answers in the file, then those that the engine gives, each kept first."""
        keys = {request.id: self._key(request) for request in requests}
        yield from (self._known[key] for key in keys.values() if key in self._known)
        left = [request for request in requests if keys[request.id] not in self._known]
        for response in self._engine.stream(left) if left else ():
            self._log.append({"key": keys[response.id], "answer": response_json(response)})
            faults.point("respond.remembered")
            yield response
            interrupt.check()

    def _key(self, request: Request) -> str:
        """All that is asked, and how often it was asked before: samples may be wanted anew."""
        asked = digest({"kind": request.kind, **asdict(request)})
        self._asked[asked] += 1
        return f"{asked}/{self._asked[asked]}"

    @property
    def serves_one_model(self) -> bool:
        """As the engine says."""
        return self._engine.serves_one_model

    def check(self, requests: Sequence[Request]) -> None:
        """As the engine does."""
        self._engine.check(requests)

    def load(self, folder: Path) -> None:
        """As the engine does."""
        self._engine.load(folder)

    def rest(self) -> None:
        """As the engine does."""
        self._engine.rest()

    def agreement(self) -> Mapping[str, float] | None:
        """As the engine says."""
        return self._engine.agreement()

    def identity(self) -> dict[str, str]:
        """The engine's."""
        return self._engine.identity()
