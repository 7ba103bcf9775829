"""JSON with one spelling per value, because keys are hashes of it. Example:

    canonical({"b": 1, "a": [0.1, None]})  ->  '{"a":[0.1,null],"b":1}'

1 and 1.0 are spelt differently: settings must have their field's type before they enter a key.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, TypeAlias

from suite.core.errors import UserError

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

# Two code points that JSON's escapes cannot tell from the one character which they encode together.
_SPLIT_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def plain(value: Any, name: str = "value") -> Any:
    """Copy `value` into dicts, lists, strings, numbers, booleans and None.

    Tuples become lists. Raises UserError, naming the place, for everything that JSON cannot hold:
    NaN and infinities, keys that are not strings, sets, paths, arrays, any other object.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UserError(f"{name} is {value}, which JSON cannot hold")
        return value
    if isinstance(value, str):
        if _SPLIT_PAIR.search(value):
            raise UserError(
                f"{name} holds a surrogate pair as two characters, which JSON cannot hold"
            )
        return value
    if isinstance(value, Mapping):
        copy: dict[str, Any] = {}
        for key, item in value.items():
            copy[_text_key(key, name)] = plain(item, f"{name}.{key}")
        return copy
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{name}[{place}]") for place, item in enumerate(value)]
    raise UserError(f"{name} is a {type(value).__name__}, which JSON cannot hold")


def _text_key(key: Any, name: str) -> str:
    if not isinstance(key, str):
        raise UserError(f"{name} has the key {key!r}; JSON's keys are text")
    return str(plain(key, f"a key of {name}"))


def jsonable(value: Any) -> Json:
    """Turn dataclasses and tuples into plain JSON, for keys."""
    if is_dataclass(value) and not isinstance(value, type):
        return jsonable(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    return value  # type: ignore[no-any-return]  # the store refuses what is not JSON


def canonical(value: Json, name: str = "value") -> str:
    """Write `value` as ASCII JSON: sorted keys, no spaces, no NaN.

    Raises UserError as `plain` does.
    """
    return json.dumps(plain(value, name), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Json, name: str = "value") -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value, name).encode("ascii")).hexdigest()


def parse(text: str | bytes) -> Any:
    """Read JSON strictly. Raises ValueError for malformed text and for NaN and infinities."""
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
