"""The precision of forward passes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch


def autocast(dtype: str, device: str) -> Callable[[], AbstractContextManager[Any]]:
    """The context of a forward pass: bf16 where asked, plain float32 otherwise."""
    enabled = dtype == "bfloat16"
    return lambda: torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=enabled)
