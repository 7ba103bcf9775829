"""What the loss of a method is at the start. What holds of every method is checked by the
conformance kit (tests/testing)."""

from __future__ import annotations

import math
from typing import Any

import pytest

LN2 = math.log(2)
START = {
    "alt_po": ("forget_loss", 20 * LN2),
    "aot": ("loss", LN2),
    "apo_down": ("loss", 1.0),
    "apo_zero": ("loss", 1.0),
    "bco": ("loss", 2 * LN2),
    "cdpo": ("loss", LN2),
    "discopop": ("loss", (LN2 + 1) / 2),
    "dpo": ("loss", LN2),
    "dpop": ("loss", LN2),
    "exo": ("loss", (math.log(0.5 / 0.999) + math.log(0.5 / 0.001)) / 2),
    "idk_dpo": ("forget_loss", 20 * LN2),
    "ipo": ("loss", 25.0),
    "kl_min": ("retain_kl", 0.0),
    "kto": ("loss", 0.5),
    "nca": ("loss", 2 * LN2),
    "npo": ("loss", 20 * LN2),
    "npo_kl": ("forget_loss", 20 * LN2),
    "npo_rt": ("forget_loss", 20 * LN2),
    "psipo": ("loss", 25.0),
    "rmu": ("retain_loss", 0.0),
    "robust_dpo": ("loss", LN2),
    "rso_hinge": ("loss", 1.0),
    "sppo_hard": ("loss", 0.5e6),
}
"""What the loss, or a part of it that is logged, must be where the policy is the reference."""


@pytest.mark.parametrize("name", sorted(START))
def test_value_where_policy_is_reference(bench: Any, name: str) -> None:
    part, value = START[name]
    output = bench(name).loss()
    found = output.loss if part == "loss" else output.metrics[part]
    assert found.item() == pytest.approx(value, rel=1e-5, abs=1e-5)
