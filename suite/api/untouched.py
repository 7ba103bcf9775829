"""What a method's hook only reads is as it was afterwards: the batch, the weights, the reference.

    watch = Watch(method, "loss", {**weights, **tensors_in(batch, "batch")})
    output = method.loss(policy, batch)
    watch.check()                      PluginError: loss changed batch['forget'].targets ...

A loss that writes is called once for each micro-batch, so its result would depend on how a step is
cut. A tensor counts the changes made to it in place, and to look at the counts costs nothing. What
passes them by (`tensor.data`) shows in sums over the tensors' bits. They read every weight, so only
a few steps take them: 0, 1, 2, 4, 8, ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from suite.core.errors import PluginError

if TYPE_CHECKING:
    from torch import Tensor


class Watch:
    """Named tensors as they were before a hook of a method."""

    def __init__(
        self, method: Any, hook: str, tensors: Mapping[str, Tensor], *, thorough: bool = False
    ) -> None:
        """`thorough`: changes that are not counted are found too."""
        self._method = method
        self._hook = hook
        self._tensors = tensors
        self._versions = [_version(tensor) for tensor in tensors.values()]
        self._bits = bits_of(tensors) if thorough else None

    def check(self) -> None:
        """PluginError: the hook has changed one of the tensors in place."""
        for (name, tensor), before in zip(self._tensors.items(), self._versions, strict=True):
            if _version(tensor) != before:
                raise changed(self._method, self._hook, name)
        if self._bits is not None:
            check_bits(self._method, self._hook, self._tensors, self._bits)


def is_thorough(step: int) -> bool:
    """Whether a step, counted from 0, is one of those at which every bit is looked at."""
    return step & (step - 1) == 0


def bits_of(tensors: Mapping[str, Tensor]) -> list[int]:
    """A sum over the bits of each tensor, read as whole numbers."""
    import torch

    whole = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    sums: list[int] = []
    for tensor in tensors.values():
        numbers = tensor.detach().reshape(-1).view(whole[tensor.element_size()])
        sums.append(int(numbers.sum(dtype=torch.int64)))
    return sums


def check_bits(method: Any, hook: str, tensors: Mapping[str, Tensor], before: list[int]) -> None:
    """PluginError: the sums are no longer what they were."""
    for name, old, new in zip(tensors, before, bits_of(tensors), strict=True):
        if old != new:
            raise changed(method, hook, name)


def tensors_in(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """The tensors in mappings and dataclasses, at any depth, with names such as
    `batch['forget'].targets`."""
    import torch

    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from tensors_in(part, f"{name}[{key!r}]")
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors_in(getattr(value, field.name), f"{name}.{field.name}")


def _version(tensor: Tensor) -> int:
    """How often it was changed in place; tensors of inference mode do not count."""
    from torch._C import _functorch

    while _functorch.is_functorch_wrapped_tensor(tensor):  # within `vmap`, which does not count
        tensor = _functorch.get_unwrapped(tensor)
    return 0 if tensor.is_inference() else tensor._version


def changed(method: Any, hook: str, what: str) -> PluginError:
    """The error of a method that writes what it should only read."""
    return PluginError(
        type(method),
        f"method {method.name!r}: {hook} changed {what} in place; weights change in train_step "
        "alone, a batch and the reference nowhere",
    )
