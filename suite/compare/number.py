"""A headline metric of all models that have it, ready to be drawn again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.stats.clustered import Clustered


@dataclass(frozen=True)
class Headline:
    """A headline metric."""

    name: str
    direction: int
    """+1: higher is better; -1: lower."""
    models: Mapping[str, Clustered]
    is_distance: bool = False
    """A KS distance. It has no limits, because it must not be bootstrapped."""
    least: float = -math.inf
    """The number cannot be lower; limits from a t distribution could."""
    is_share: bool = False
    """Every score is 0 or 1."""
    of_interest: float = 0.0
    """The smallest difference of interest, see `suite.compare.interest`."""

    def value(self, model: str) -> float:
        """Mean over runs."""
        return float(self.models[model].estimate().mean())


def most_runs(models: Sequence[Clustered]) -> tuple[int, int]:
    """The most start models and the most seeds that any model's runs come from."""
    starts = max((model.starts for model in models), default=1)
    seeds = max((model.runs // model.starts for model in models), default=1)
    return starts, seeds
