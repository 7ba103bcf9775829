"""Amounts in words."""

from __future__ import annotations

import pytest

from suite.core.amounts import in_bytes


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (128e9, "128.0 GB"), (2.5e15, "2500.0 TB")],
)
def test_bytes(size: float, said: str) -> None:
    assert in_bytes(size) == said
