"""What planning read, found by its digest: a stage is data, and names its rows and requests by
digests.

    digest = materials.add(rows)        a stage's spec holds the digest
    materials[digest]                   its builder gets the rows

Whoever plans the same run again (another process, say) has the same materials under the same
digests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from suite.api.requests import Request
from suite.core.errors import UserError
from suite.store import digest


class Materials:
    """Rows, requests, data and judges of a run. Nobody may change a list that was added."""

    def __init__(self) -> None:
        self._items: dict[str, Any] = {}
        # Many stages name the same list: its digest is taken once. The list is kept, so no other
        # gets its id.
        self._taken: dict[int, tuple[Sequence[Any], str]] = {}

    def add(self, items: Sequence[Any]) -> str:
        """Add rows or requests; return the digest of their content, in order."""
        if id(items) not in self._taken:
            self._taken[id(items)] = items, digest(list(map(_content, items)))
        key = self._taken[id(items)][1]
        self._items[key] = items
        return key

    def put(self, key: str, item: Any) -> str:
        """Add anything else under a digest of all that determines it; return the digest."""
        self._items[key] = item
        return key

    def __getitem__(self, key: str) -> Any:
        """What was added under the digest. UserError: the run that was planned reads nothing like
        that."""
        if key not in self._items:
            raise UserError(f"this run reads nothing with the digest {key[:12]}: plan the same run")
        return self._items[key]


def _content(item: Any) -> dict[str, Any]:
    """The fields of a row or request; two kinds of requests may have the same fields."""
    kind = {"kind": item.kind} if isinstance(item, Request) else {}
    return {**kind, **asdict(item)}
