"""Responses on disk: responses.jsonl, one line a request, and kl.jsonl beside it.

    {"id": "forget/12/answer", "kind": "loglikelihood", "token_logps": [-0.1, null], ...}
    {"id": "forget/12/generation", "kind": "generate", "texts": ["Karachi", "Lahore"], ...}

A line holds every field of the response's class that is not at its default, so no field is ever
lost. JSON has no infinity and no NaN: null stands for both, and is read as NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

from suite.api.requests import Generated, Response, response_class
from suite.core.errors import UserError
from suite.store import Json, read_jsonl

BASELINE = "baseline"
"""How a score stage calls the answers of baseline models among its inputs."""


def response_json(response: Response) -> dict[str, Json]:
    """Write a response as JSON. UserError: a class that could not be read back."""
    if response_class(response.kind) is not type(response):
        raise UserError(
            f"response {response.id!r}: {type(response).__name__} needs a `kind` of its own"
        )
    content: dict[str, Json] = {"id": response.id, "kind": response.kind}
    for field in fields(response):
        value = getattr(response, field.name)
        if field.default is MISSING or value != field.default:
            content[field.name] = _plain(value)
    return content


def read_responses(folder: Path) -> dict[str, Response]:
    """Read what a respond stage wrote, by request id. UserError: an unknown kind or field."""
    path = folder / "responses.jsonl"
    responses: dict[str, Response] = {}
    for line in read_jsonl(path):
        responses[line["id"]] = response_of(line, f"{path}: response {line['id']!r}")
    return responses


def read_baselines(inputs: Mapping[str, Path]) -> tuple[dict[str, Response], ...]:
    """Read the baseline models' answers among a stage's inputs: "baseline/0", "baseline/1", ..."""
    named = [name for name in inputs if name.startswith(f"{BASELINE}/")]
    named.sort(key=lambda name: int(name.rpartition("/")[2]))
    return tuple(read_responses(inputs[name]) for name in named)


def with_kl(responses: Mapping[str, Response], folder: Path) -> dict[str, Response]:
    """Add what stage `kl` measured to the responses."""
    joined = dict(responses)
    for line in read_jsonl(folder / "kl.jsonl"):
        id = line["id"]
        if id in joined:
            joined[id] = replace(Generated.of(joined[id]), kl=_restored(line["kl"]))
    return joined


def response_of(line: Mapping[str, Any], place: str) -> Response:
    """Read what `response_json` wrote. UserError, naming `place`: an unknown kind or field."""
    kind = line.get("kind")
    found = response_class(kind) if isinstance(kind, str) else None
    if found is None:
        raise UserError(f"{place} has the kind {kind!r}, which no class of responses has")
    names = {field.name for field in fields(found)}
    values: dict[str, Any] = {}
    for name, value in line.items():
        if name == "kind":
            continue
        if name not in names:
            raise UserError(f"{place} has the field {name!r}, which {found.__name__} has not")
        values[name] = _restored(value)
    return found(**values)


def _plain(value: Any) -> Any:
    """Turn tuples into lists, at any depth, and numbers that are not finite into None."""
    if isinstance(value, tuple):
        return list(map(_plain, value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _restored(value: Any) -> Any:
    """Read what `_plain` wrote."""
    if isinstance(value, list):
        return tuple(map(_restored, value))
    return math.nan if value is None else value
