"""Seeds must never change: stored texts and training orders were drawn with them."""

from __future__ import annotations

import hashlib

from suite.api.requests import Generate
from suite.engines.vllm.items import _seed
from suite.store.seeds import hash_seed


def test_a_seed_is_the_first_63_bits_of_a_digest() -> None:
    digest = hashlib.sha256(b"3/forget/0").hexdigest()
    assert hash_seed(3, "forget", 0) == int(digest[:16], 16) // 2


def test_vllm_gets_62_bits() -> None:
    request = Generate("forget/12/plain", (), seed=3)
    digest = hashlib.sha256(b"3/forget/12/plain").hexdigest()
    assert _seed(request) == int(digest[:16], 16) // 4
