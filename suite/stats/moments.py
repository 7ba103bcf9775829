"""Mean and deviation of all numbers so far, exact however they come in batches (Chan et al.,
1979)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Count, mean, and sum of squared deviations from it."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def updated(self, values: Sequence[float]) -> Moments:
        """With these numbers too."""
        new = math.fsum(values) / len(values)
        squares = math.fsum((value - new) ** 2 for value in values)
        count, step = self.count + len(values), new - self.mean
        return Moments(
            count,
            self.mean + step * len(values) / count,
            self.squares + squares + step**2 * self.count * len(values) / count,
        )

    def normalised(self, values: Tensor) -> Tensor:
        """Values minus the mean, over the deviation; equal numbers so far have deviation 0 and are
        only centred."""
        deviation = math.sqrt(self.squares / self.count) if self.count else 0.0
        return (values - self.mean) / (deviation or 1.0)

    @property
    def state(self) -> tuple[int, float, float]:
        """What `Moments(*state)` restores."""
        return astuple(self)
