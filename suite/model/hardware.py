"""What the machine offers: the device, its precision, its threads, the attention kernel."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from suite.core.errors import UserError
from suite.model.devices import accelerators, cpu_has_bf16

ATTENTION = "suite_grouped"
"""Name of the attention kernel of training and of the hf engine; see `suite.model.attention`."""


def pick_device(device: str) -> str:
    """Resolve "auto" to cuda where there is one."""
    if device == "auto":
        return "cuda" if accelerators() else "cpu"
    return device


def check_device(device: str) -> None:
    """Refuse a device that this machine does not have."""
    if device == "auto":
        return
    kind, colon, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (colon and not number.isdecimal()):
        raise UserError(f"--device {device}: expected auto, cpu, cuda or cuda:NUMBER")
    if kind == "cuda":
        found = len(accelerators())
        if int(number or 0) >= found:
            there = ", ".join(["cpu", *(f"cuda:{index}" for index in range(found))])
            raise UserError(f"--device {device}: torch finds no such device here; there is {there}")


SMALLEST_BF16_LR = 1e-5
"""Below it, `auto` takes float32. AdamW moves a weight by about the learning rate in a step. Of an
update of 3e-4 (some thirty steps at 1e-5) SmolLM2's weights in bf16 show .68, of 1e-4 .19, of 1e-5
.02: an evaluation in bf16 would see hardly any training."""


def pick_dtype(dtype: str, device: str, model: str, lr: float) -> tuple[str, str]:
    """Resolve "auto"; return the precision and why it was chosen, in words ("" if it was named).

    lr: the smallest learning rate of the run.
    """
    if dtype != "auto":
        return dtype, ""
    if model == "tiny":
        return "float32", "tiny is too small to gain from bfloat16"
    if not native_bf16(device):
        return "float32", f"{device} has no bfloat16 instructions"
    if lr < SMALLEST_BF16_LR:
        return "float32", (
            f"at a learning rate of {lr:g} (below {SMALLEST_BF16_LR:g}) bfloat16 weights would "
            "hide most of the training"
        )
    return "bfloat16", f"{device} multiplies it natively, and learning rates are {lr:g} or more"


def native_bf16(device: str) -> bool:
    """Whether the device has bfloat16 matrix instructions."""
    if not device.startswith("cuda"):
        return cpu_has_bf16()
    found = accelerators()
    index = int(device.partition(":")[2] or 0)
    return index < len(found) and found[index]


def set_threads(model: str) -> None:
    """Give `tiny` one thread: its products are too small to share, and two threads on a busy
    machine run 20 times slower than one (measured: 0.04 s a step against 0.8 s)."""
    import torch

    if model == "tiny":
        torch.set_num_threads(1)


def autocast(dtype: str, device: str) -> Callable[[], AbstractContextManager[Any]]:
    """The context of a forward pass: bf16 where asked, plain float32 otherwise."""
    import torch

    enabled = dtype == "bfloat16"
    return lambda: torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=enabled)
