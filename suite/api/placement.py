"""Where a model in training lies: here, whole on one device; in shards, see
`suite.train.placement`.

    placement = Placement("cuda")
    model = placement.prepare(load)
    for part in placement.share(micro_batches): ...     what this process computes of a step
    norm = placement.clip(parameters, 1.0)
    if placement.is_main: write(placement.gather(weights))
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")


class Placement:
    """One process, one device. Each hook is one that shards have to answer in another way."""

    is_main = True
    """Whether this process writes files and tells of the progress."""
    processes = 1
    """So many train the model together."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def move(self, module: Any) -> Any:
        """Bring a module to where it is checked before it trains."""
        return module.to(self.device)

    def prepare(self, load: Callable[[], Any]) -> Any:
        """The model that `load` gives, where it trains."""
        return self.move(load())

    def prepare_head(self, head: nn.Module) -> nn.Module:
        """Bring a head to where it trains."""
        return head.to(self.device)

    def copied(self, model: nn.Module) -> Any:
        """A copy of the starting model, for a reference that does not train."""
        return copy.deepcopy(model)

    def share(self, parts: Iterable[T]) -> Sequence[T]:
        """The parts of a step that this process computes; the next `descend` is of these."""
        return list(parts)

    def total(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """What the processes measured of a step, together."""
        return dict(numbers)

    def clip(self, parameters: Sequence[nn.Parameter], limit: float) -> float:
        """Scale the gradients to a norm of at most `limit` (0: never); return the norm before."""
        from torch.nn.utils import clip_grad_norm_

        return float(clip_grad_norm_(parameters, limit or math.inf))

    def told(self, value: T) -> T:
        """What the main process has for `value`, in every process."""
        return value

    def held(self, tensor: Tensor) -> Tensor:
        """What this process holds of a weight."""
        return tensor

    def part(self, whole: Tensor) -> Tensor:
        """What this process holds of a tensor that every process has, as it holds weights."""
        return whole

    def exchange(self, weight: Tensor, held: Tensor) -> Tensor:
        """Put other numbers into a weight; return those that were there."""
        before = weight.data
        weight.data = held
        return before

    def whole(self, tensor: Tensor) -> Tensor:
        """A weight, all of it."""
        return tensor

    def settle(self) -> None:
        """Called before weights are changed or read as a whole."""

    def gather(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Whole tensors, to be written; only the main process has to get any."""
        return dict(tensors)

    def scatter(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Undo `gather`, of what was read: each process gets what it holds."""
        return dict(tensors)

    def weights(self, model: nn.Module) -> dict[str, Tensor] | None:
        """The whole weights of a model, to be written; None: it holds them itself."""
        return None

    @contextmanager
    def saving(self, heads: Mapping[str, nn.Module], folder: Path) -> Iterator[None]:
        """While it is open, a method may write into the model's folder what it delivers beside
        the model."""
        yield
