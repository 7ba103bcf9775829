"""A hook that writes into what it should only read is named, however it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from suite.api.untouched import Watch, bits_of, is_thorough, tensors_in
from suite.core.errors import PluginError

METHOD = SimpleNamespace(name="mine")


@dataclass
class Texts:
    targets: Tensor = field(default_factory=lambda: torch.arange(4))
    logps: Tensor | None = field(default_factory=lambda: torch.zeros(2))
    hidden: Tensor = field(default_factory=lambda: torch.zeros(2, 3, dtype=torch.bfloat16))
    size: int = 4


@dataclass
class Pairs:
    chosen: Texts = field(default_factory=Texts)


def batch() -> dict[str, Any]:
    return {"forget": Texts(), "pairs": Pairs()}


def counted(texts: Texts) -> None:
    assert texts.logps is not None
    texts.logps.add_(1)


def in_a_view(texts: Texts) -> None:
    texts.targets[1:2] = 9


def uncounted(texts: Texts) -> None:
    texts.hidden.data[0, 1] = 0.5


def test_tensors_are_found_at_any_depth() -> None:
    names = [name for name, _ in tensors_in({**batch(), "none": None, "list": [1]}, "batch")]
    own = ["targets", "logps", "hidden"]
    assert names == [
        *(f"batch['forget'].{name}" for name in own),
        *(f"batch['pairs'].chosen.{name}" for name in own),
    ]


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize(
    ("write", "name"), [(counted, "logps"), (in_a_view, "targets"), (uncounted, "hidden")]
)
def test_a_write_is_found(write: Callable[[Texts], None], name: str, thorough: bool) -> None:
    read = batch()
    watch = Watch(METHOD, "loss", dict(tensors_in(read, "batch")), thorough=thorough)
    watch.check()
    write(read["pairs"].chosen)
    if write is uncounted and not thorough:
        watch.check()
        return
    said = rf"^method 'mine': loss changed batch\['pairs'\].chosen.{name} in place"
    with pytest.raises(PluginError, match=said):
        watch.check()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_the_smallest_change_shows(dtype: torch.dtype) -> None:
    tensor = torch.ones(3, 5, dtype=dtype).T
    before = bits_of({"x": tensor})
    assert bits_of({"x": tensor.clone()}) == before
    smallest = torch.finfo(dtype).eps if dtype.is_floating_point else 1
    changed = tensor.clone()
    changed[4, 2] = 0 if dtype is torch.bool else changed[4, 2] + smallest
    assert bits_of({"x": changed}) != before


def test_tensors_of_inference_mode_have_no_count() -> None:
    with torch.inference_mode():
        tensors = {"x": torch.zeros(2), "scalar": torch.zeros(())}
        Watch(METHOD, "loss", tensors, thorough=True).check()


def test_few_steps_are_thorough() -> None:
    assert [step for step in range(40) if is_thorough(step)] == [0, 1, 2, 4, 8, 16, 32]
