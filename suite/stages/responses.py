"""Responses on disk: responses.jsonl, one line a request, and kl.jsonl beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from suite.api.requests import Response
from suite.store import Json, read_jsonl


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


def with_kl(responses: Mapping[str, Response], folder: Path) -> dict[str, Response]:
    """Add what stage `kl` measured to the responses; null becomes NaN again."""
    measured = {
        line["id"]: tuple(math.nan if x is None else x for x in line["kl"])
        for line in read_jsonl(folder / "kl.jsonl")
    }
    return {id: replace(response, kl=measured.get(id, ())) for id, response in responses.items()}
