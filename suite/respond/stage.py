"""The stage `respond`: a model's answers to requests: responses.jsonl, one line a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from suite.core import faults, interrupt
from suite.respond import agreement
from suite.stages.responses import response_json
from suite.stages.rows import rows_of
from suite.store import JsonlWriter, read_jsonl

if TYPE_CHECKING:
    from suite.api.method import Method
    from suite.api.requests import Request
    from suite.api.reward import Reward
    from suite.stages.context import Context
    from suite.stages.handles import Model
    from suite.stages.rows import Rows
    from suite.store import Build

CHUNK_PROMPTS = 96
"""Prompts answered between two writes. Chunks are fixed beforehand, so a resumed run batches, and hence rounds, as
the uninterrupted one."""


def responding(
    context: Context,
    model: Model,
    method: Method[Any] | None,
    requests: Sequence[Request],
    label: str,
    prepare: Callable[[Build], None],
) -> Callable[[Build], None]:
    """Ask the engine, or the method that answers in its own way (after `prepare`), chunk by chunk.

    Finished chunks survive a crash and are never asked again.
    """

    def build(build: Build) -> None:
        folder = model.folder(build.inputs["model"])
        chunks = list(chunked(requests))
        partial = build.scratch / "responses.jsonl"
        with JsonlWriter(partial) as log, context.progress.task(label, len(requests)) as bar:
            done = sum(1 for _ in read_jsonl(partial))
            bar.advance(sum(map(len, chunks[:done])))
            if done < len(chunks):
                context.engine.load(folder)
                agreement.keep(context.engine, build.scratch)
                prepare(build)
            for chunk in chunks[done:]:
                answers = (
                    method.respond(context.engine, chunk)
                    if method
                    else context.engine.respond(chunk)
                )
                faults.point("respond.chunk")
                log.append([response_json(answer) for answer in answers])
                bar.advance(len(chunk))
                interrupt.check()
        context.engine.rest()
        agreement.hand_over(build.scratch, build.out)
        by_id = {answer["id"]: answer for chunk in read_jsonl(partial) for answer in chunk}
        with JsonlWriter(build.out / "responses.jsonl") as final:
            for request in requests:
                final.append(by_id[request.id])

    return build


def chunked(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Requests in chunks of CHUNK_PROMPTS prompts, similar lengths together, those of one prompt never parted."""
    ordered = sorted(requests, key=lambda r: (sum(len(m.content) for m in r.prompt), str(r.prompt)))
    groups = [list(group) for _, group in groupby(ordered, key=lambda r: r.prompt)]
    for i in range(0, len(groups), CHUNK_PROMPTS):
        yield [request for group in groups[i : i + CHUNK_PROMPTS] for request in group]


def preparing(
    method: Method[Any] | None, rows: Mapping[str, Rows], reward: Callable[[Build], Reward | None]
) -> Callable[[Build], None]:
    """Give a method that answers in its own way the rows and the reward that it needs."""

    def prepare(build: Build) -> None:
        if method is not None:
            method.prepare(
                {role: rows_of(given, build) for role, given in rows.items()}, reward(build)
            )

    return prepare
