"""Asking a model and keeping its answers: responses.jsonl, one line a request; and how far they are from another
model's: kl.jsonl."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from suite import agreement, faults, interrupt
from suite.bases import Model
from suite.benchmark import Request, Response
from suite.errors import UserError
from suite.lab import Lab
from suite.method import Method
from suite.store import Build, Json, JsonlWriter, read_jsonl
from suite.texts import Encoder

CHUNK_PROMPTS = 96
"""Prompts answered between two writes. Chunks are fixed beforehand, so a resumed run batches, and hence rounds, as
the uninterrupted one."""


def responding(
    lab: Lab,
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
        with JsonlWriter(partial) as log, lab.progress.task(label, len(requests)) as bar:
            done = sum(1 for _ in read_jsonl(partial))
            bar.advance(sum(map(len, chunks[:done])))
            if done < len(chunks):
                lab.engine.load(folder)
                agreement.keep(lab.engine, build.scratch)
                prepare(build)
            for chunk in chunks[done:]:
                answers = method.respond(lab.engine, chunk) if method else lab.engine.respond(chunk)
                faults.point("respond.chunk")
                log.append([response_json(answer) for answer in answers])
                bar.advance(len(chunk))
                interrupt.check()
        lab.engine.rest()
        agreement.hand_over(build.scratch, build.out)
        by_id = {answer["id"]: answer for chunk in read_jsonl(partial) for answer in chunk}
        with JsonlWriter(build.out / "responses.jsonl") as final:
            for request in requests:
                final.append(by_id[request.id])

    return build


def diverging(
    lab: Lab, model: Model, reference: Model, requests: Sequence[Request], label: str
) -> Callable[[Build], None]:
    """Measure the sequence KL(model || reference) of the model's sampled answers: kl.jsonl, one line a request."""

    def build(build: Build) -> None:
        from suite import models
        from suite.sequence_kl import sequence_kl
        from suite.train import autocast

        folder = model.folder(build.inputs["model"])
        encoder = lab.encoder(folder, lab.config.train)
        responses = read_responses(build.inputs["responses"])
        rows = [
            row
            for request in requests
            if request.temperature > 0
            for row in _drawn(request, responses, encoder)
        ]
        policy, frozen = (
            models.load_model(path).to(lab.device)
            for path in (folder, reference.folder(build.inputs["reference"]))
        )
        with (
            lab.progress.task(f"KL of {label}", len(rows), "text") as bar,
            autocast(lab.dtype, lab.device)(),
        ):
            values = sequence_kl(
                policy, frozen, [r[1] for r in rows], [r[2] for r in rows],
                pad_id=encoder.tokenizer.pad_token_id, advance=bar.advance,
            )  # fmt: skip
        by_id: dict[str, list[float]] = {}
        for (id, _, _), value in zip(rows, values.tolist(), strict=True):
            by_id.setdefault(id, []).append(value)
        with JsonlWriter(build.out / "kl.jsonl") as log:
            for id, kl in by_id.items():
                log.append({"id": id, "kl": [x if math.isfinite(x) else None for x in kl]})

    return build


def _drawn(
    request: Request, responses: Mapping[str, Response], encoder: Encoder
) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """(request id, prompt tokens, answer tokens) of every text that was sampled."""
    response, prompt = responses[request.id], encoder.encode_prompt(request.prompt)
    if not response.sampled and response.texts:
        raise UserError(
            f"{request.id}: the engine does not tell which tokens it sampled, which the KL needs; use hf"
        )
    yield from ((request.id, prompt, tokens) for tokens in response.sampled)


def with_kl(responses: Mapping[str, Response], folder: Path) -> dict[str, Response]:
    """Add what `diverging` measured to the responses; null becomes NaN again."""
    measured = {
        line["id"]: tuple(math.nan if x is None else x for x in line["kl"])
        for line in read_jsonl(folder / "kl.jsonl")
    }
    return {id: replace(response, kl=measured.get(id, ())) for id, response in responses.items()}


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
        content |= {
            "token_logps": logps,
            "greedy": list(response.greedy),
            "tokens": list(response.tokens),
        }
    if response.reward is not None:
        content["reward"] = response.reward
    if response.texts:
        content |= {"texts": list(response.texts), "finished": list(response.finished)}
    if response.sampled:
        content["sampled"] = [list(tokens) for tokens in response.sampled]
    return content


def read_responses(folder: Path) -> dict[str, Response]:
    """Read what a respond stage wrote, by request id; null log-probabilities become NaN again."""
    responses = {}
    for line in read_jsonl(folder / "responses.jsonl"):
        logps = tuple(math.nan if x is None else x for x in line.get("token_logps", ()))
        fields = {
            name: tuple(line.get(name, ())) for name in ("greedy", "tokens", "texts", "finished")
        }
        sampled = tuple(tuple(tokens) for tokens in line.get("sampled", ()))
        responses[line["id"]] = Response(
            line["id"], logps, **fields, sampled=sampled, reward=line.get("reward")
        )
    return responses
