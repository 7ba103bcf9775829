"""Responses on disk: responses.jsonl, one line a request, and kl.jsonl beside it.

    {"id": "forget/12/answer", "token_logps": [-0.1, null], "greedy": [true, false], ...}
    {"id": "forget/12/generation", "texts": ["Karachi", "Lahore"], "finished": [true, false]}

A line holds every field of `Response` that is not at its default, so no field is ever lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

from suite.api.requests import Response
from suite.core.errors import UserError
from suite.store import Json, read_jsonl

MEASURED = frozenset({"token_logps", "kl"})
"""Fields of numbers that may be infinite or NaN. JSON has neither, so null stands for both."""
BASELINE = "baseline"
"""How a score stage calls the answers of baseline models among its inputs."""
KNOWN = frozenset(field.name for field in fields(Response))


def response_json(response: Response) -> dict[str, Json]:
    """Write a response as JSON. UserError: a field of a derived class, which could not be read."""
    content: dict[str, Json] = {}
    for field in fields(response):
        value = getattr(response, field.name)
        if field.name not in KNOWN:
            raise _unknown_field(f"response {response.id!r}", field.name)
        if field.name in MEASURED:
            value = _finite(value)
        if field.default is MISSING or value != field.default:
            content[field.name] = _lists(value)
    return content


def read_responses(folder: Path) -> dict[str, Response]:
    """Read what a respond stage wrote, by request id. UserError: a field that is unknown."""
    path = folder / "responses.jsonl"
    responses: dict[str, Response] = {}
    for line in read_jsonl(path):
        responses[line["id"]] = _response(line, path)
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
            joined[id] = replace(joined[id], kl=_numbers(line["kl"]))
    return joined


def _response(line: Mapping[str, Any], path: Path) -> Response:
    values: dict[str, Any] = {}
    for name, value in line.items():
        if name not in KNOWN:
            raise _unknown_field(f"{path}: response {line['id']!r}", name)
        values[name] = _numbers(value) if name in MEASURED else _tuples(value)
    return Response(**values)


def _unknown_field(place: str, name: str) -> UserError:
    return UserError(f"{place} has the field {name!r}, which a stored response cannot hold")


def _finite(numbers: Sequence[float]) -> tuple[float | None, ...]:
    """Put None where a number is not finite."""
    return tuple(x if math.isfinite(x) else None for x in numbers)


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    """Read what `_finite` wrote; null becomes NaN again."""
    return tuple(math.nan if x is None else x for x in values)


def _lists(value: Any) -> Any:
    """Turn tuples into lists, at any depth."""
    return list(map(_lists, value)) if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    """Turn lists into tuples, at any depth."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
