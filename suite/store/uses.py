"""Who uses which stages now: nothing of them is removed while their process lives.

    <root>/uses/<random>     the keys of a process, one a line; locked as long as it lives

A run claims all stages of its plan at once, those that are missing too. The lock `removal` orders
claims and removals: whoever removes sees every claim, and whoever claims finds what it claims.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.store import locks
from suite.store.files import user_errors, write_all


@contextmanager
def using(root: Path, keys: Iterable[str]) -> Iterator[Path]:
    """Claim stages for the block; yields the claim, for `removing`."""
    claim = root / "uses" / secrets.token_hex(8)
    with user_errors(root), _removal(root):
        claim.parent.mkdir(parents=True, exist_ok=True)
        descriptor = locks.acquire(claim)
        assert descriptor is not None  # the name is new
        write_all(descriptor, "".join(f"{key}\n" for key in keys).encode())
    try:
        yield claim
    finally:
        locks.release(descriptor, claim)


@contextmanager
def removing(root: Path, own: Path | None = None) -> Iterator[frozenset[str]]:
    """Keep others from claiming stages for the block; yields the keys of those that are claimed.

    `own`: a claim that does not count.
    """
    with _removal(root):
        keys: set[str] = set()
        for claim in (root / "uses").glob("*"):
            if claim != own and locks.is_held(claim):
                keys |= set(claim.read_text().split())
        yield frozenset(keys)


@contextmanager
def _removal(root: Path) -> Iterator[None]:
    path = root / "locks" / "removal"
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.locked(path):
        yield
