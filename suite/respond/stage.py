"""The stage `respond`: a model's answers to requests: responses.jsonl, one line a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.returned import check_answers
from suite.api.stages import builds
from suite.core import faults, interrupt
from suite.respond import agreement
from suite.respond.remembered import Remembered
from suite.stages.handles import folder_of
from suite.stages.responses import response_json
from suite.store import JsonlWriter, read_jsonl

if TYPE_CHECKING:
    from suite.api.engine import Engine
    from suite.api.method import Method
    from suite.api.requests import Request, Response
    from suite.stages.context import Context
    from suite.store import Build

CHUNK_PROMPTS = 96
"""Prompts answered between two writes. Chunks are fixed beforehand, so a resumed run batches, and
hence rounds, as the uninterrupted one."""


Ask = Callable[["Sequence[Request]"], "Iterator[list[Response]]"]
"""Answers a chunk, in the parts that are kept together."""


@builds("respond")
def answer(build: Build, context: Context) -> None:
    """Ask the engine, or the method that answers in its own way, chunk by chunk.

    Finished chunks survive a crash and are never asked again; so do single answers, where they do
    not depend on their chunk.
    """
    requests = context.materials[build.spec["requests"]]
    partial = build.scratch / "responses.jsonl"
    _answer_chunks(build, context, list(chunked(requests)), partial)
    context.engine.rest()
    agreement.hand_over(build.scratch, build.out)
    by_id = {answer["id"]: answer for chunk in read_jsonl(partial) for answer in chunk}
    with JsonlWriter(build.out / "responses.jsonl") as final:
        for request in requests:
            final.append(by_id[request.id])


def _answer_chunks(
    build: Build, context: Context, chunks: list[list[Request]], partial: Path
) -> None:
    """Append the answers that are not in `partial` yet."""
    total = sum(map(len, chunks))
    with JsonlWriter(partial) as log, context.progress.task(str(build.stage), total) as bar:
        done = {answer["id"] for part in read_jsonl(partial) for answer in part}
        bar.advance(len(done))
        if len(done) == total:
            return
        ask = _open(build, context)
        for chunk in chunks:
            left = [request for request in chunk if request.id not in done]
            for answers in ask(left) if left else ():
                faults.point("respond.chunk")
                log.append([response_json(answer) for answer in answers])
                bar.advance(len(answers))
                interrupt.check()


def _open(build: Build, context: Context) -> Ask:
    """Load the model, and prepare the method where it answers in its own way."""
    engine = context.engine
    engine.load(folder_of(build.inputs["model"], build.spec["epoch"]))
    agreement.keep(engine, build.scratch)
    answering: Mapping[str, Any] | None = build.spec["answering"]
    if answering is None:
        return _one_by_one(engine) if engine.answers_apart else _whole(engine.respond)
    method = context.method(answering)
    rows = {role: context.rows(build, role, key) for role, key in answering["roles"].items()}
    method.prepare(rows, context.reward(build, answering["reward"]))
    if engine.answers_apart:
        return _remembering(method, engine, build.scratch / "asked.jsonl")
    return _whole(lambda chunk: _answers(method, engine, chunk))


def _answers(method: Method[Any], engine: Engine, chunk: Sequence[Request]) -> list[Response]:
    """What the method answers. PluginError: that is no answer to every request."""
    answers = method.respond(engine, chunk)
    check_answers(method, chunk, answers)
    return answers


def _remembering(method: Method[Any], engine: Engine, file: Path) -> Ask:
    """Keep the engine's answers until the method's are kept."""

    def ask(chunk: Sequence[Request]) -> Iterator[list[Response]]:
        with Remembered(engine, file) as remembered:
            yield _answers(method, remembered, chunk)
        file.unlink()

    return ask


def _one_by_one(engine: Engine) -> Ask:
    return lambda chunk: ([answer] for answer in engine.stream(chunk))


def _whole(respond: Callable[[Sequence[Request]], list[Response]]) -> Ask:
    return lambda chunk: iter([respond(chunk)])


def chunked(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Requests in chunks of CHUNK_PROMPTS prompts, similar lengths together, those of one prompt
    never parted."""
    ordered = sorted(requests, key=lambda r: (sum(len(m.content) for m in r.prompt), str(r.prompt)))
    groups = [list(group) for _, group in groupby(ordered, key=lambda r: r.prompt)]
    for i in range(0, len(groups), CHUNK_PROMPTS):
        yield [request for group in groups[i : i + CHUNK_PROMPTS] for request in group]
