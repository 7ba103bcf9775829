"""Asking a model and keeping its answers: responses.jsonl, one line a request."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from suite import faults, interrupt
from suite.bases import Model
from suite.benchmark import Request, Response
from suite.lab import Lab
from suite.method import Method
from suite.store import Build, Json, JsonlWriter, read_jsonl

CHUNK_PROMPTS = 96
"""Prompts answered between two writes. Chunks are fixed beforehand, so a resumed run batches, and hence rounds, as
the uninterrupted one."""


def responding(
    lab: Lab, model: Model, method: Method[Any] | None, requests: Sequence[Request], label: str
) -> Callable[[Build], None]:
    """Ask the engine, chunk by chunk; finished chunks survive a crash and are never asked again."""

    def build(build: Build) -> None:
        folder = model.folder(build.inputs["model"])
        chunks = list(chunked(requests))
        partial = build.scratch / "responses.jsonl"
        with JsonlWriter(partial) as log, lab.progress.task(f"answers of {label}", len(requests)) as bar:
            done = sum(1 for _ in read_jsonl(partial))
            bar.advance(sum(map(len, chunks[:done])))
            if done < len(chunks):
                lab.engine.load(folder)
            for chunk in chunks[done:]:
                answers = method.respond(lab.engine, chunk) if method else lab.engine.respond(chunk)
                faults.point("respond.chunk")
                log.append([response_json(answer) for answer in answers])
                bar.advance(len(chunk))
                interrupt.check()
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


def response_json(response: Response) -> dict[str, Json]:
    """A response as JSON; a log-probability that is not finite becomes null."""
    logps: list[Json] = [x if math.isfinite(x) else None for x in response.token_logps]
    content: dict[str, Json] = {"id": response.id}
    if logps:
        content |= {"token_logps": logps, "greedy": list(response.greedy), "tokens": list(response.tokens)}
    if response.texts:
        content |= {"texts": list(response.texts), "finished": list(response.finished)}
    return content


def read_responses(folder: Path) -> dict[str, Response]:
    """Read what a respond stage wrote, by request id; null log-probabilities become NaN again."""
    responses = {}
    for line in read_jsonl(folder / "responses.jsonl"):
        logps = tuple(math.nan if x is None else x for x in line.get("token_logps", ()))
        fields = {name: tuple(line.get(name, ())) for name in ("greedy", "tokens", "texts", "finished")}
        responses[line["id"]] = Response(line["id"], logps, **fields)
    return responses
