"""Seeds for random generators that are the same in every process."""

from __future__ import annotations

import hashlib


def hash_seed(*parts: object) -> int:
    """Mix parts, e.g. a seed, a name and an epoch, into a 63-bit seed."""
    text = "/".join(map(str, parts))
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
