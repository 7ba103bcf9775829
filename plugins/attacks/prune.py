"""Pruning: the smallest weights become 0. What unlearning wrote into small weights is lost, and
what it hid may come back. Smallest by magnitude (Han et al., arXiv 1506.02626).

    w' = w if |w| is among the largest (1 - share) of its matrix, else 0

All linear layers but the output are pruned. Each share is an attack of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Attack, Build, Host, Phase, StageKind, Target, builds, hookimpl
from suite.ranges import Fraction

from .weights import write_changed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PruneConfig:
    """How much is removed."""

    share: tuple[Fraction, ...] = (0.1, 0.3)
    """Shares of each matrix that become 0: an attack with each."""

    def __post_init__(self) -> None:
        if not self.share or len(set(self.share)) < len(self.share):
            raise ValueError("share must name at least one share, and each once")


class Prune(Attack[PruneConfig]):
    """The smallest weights of each matrix become 0."""

    name = "prune"
    Config = PruneConfig

    def phases(self, target: Target) -> Sequence[Phase]:
        """One for each share."""
        return [
            Phase(f"share={share:g}", kind="prune", spec={"share": share})
            for share in self.config.share
        ]


@builds("prune")
def remove_weights(build: Build, host: Host) -> None:
    """Write a copy of the model without its smallest weights."""
    share = build.spec["share"]

    def prune(weight: Tensor) -> None:
        size = weight.abs().flatten()
        smallest = size.argsort(stable=True)[: round(share * len(size))]
        weight.view(-1)[smallest] = 0.0

    write_changed(build, prune)


@hookimpl
def suite_attacks() -> list[type[Attack[Any]]]:
    """Register the attack."""
    return [Prune]


@hookimpl
def suite_stages() -> list[StageKind]:
    """Register the kind of stage."""
    return [remove_weights]
