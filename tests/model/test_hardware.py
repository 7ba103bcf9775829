"""Which precision `--dtype auto` takes, and what it says of it."""

from __future__ import annotations

import pytest

from suite.model import hardware


@pytest.mark.parametrize(
    ("model", "native", "lr", "dtype", "reason"),
    [
        ("tiny", True, 1e-3, "float32", "tiny"),
        ("owner/name", False, 1e-4, "float32", "no bfloat16 instructions"),
        ("owner/name", True, 5e-7, "float32", "learning rate of 5e-07"),
        ("owner/name", True, 1e-5, "bfloat16", "1e-05 or more"),
    ],
)
def test_auto(monkeypatch, model, native, lr, dtype, reason):
    monkeypatch.setattr(hardware, "native_bf16", lambda device: native)
    found, why = hardware.pick_dtype("auto", "cpu", model, lr)
    assert found == dtype
    assert reason in why


def test_a_named_precision_is_taken():
    assert hardware.pick_dtype("bfloat16", "cpu", "tiny", 1e-9) == ("bfloat16", "")
