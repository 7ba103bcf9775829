"""An attack of its own: noise on the weights, of several strengths.

The stage that adds the noise is the one of `acme_forgetting.noise`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from suite import Attack, Phase, Target, hookimpl


@dataclass(frozen=True)
class NoisyConfig:
    """How much noise."""

    scale: tuple[float, ...] = (0.01, 0.1)
    """Standard deviations of each weight matrix: an attack with each."""


class Noisy(Attack[NoisyConfig]):
    """Every weight gets a little noise."""

    name = "noisy"
    Config = NoisyConfig

    def phases(self, target: Target) -> Sequence[Phase]:
        """One for each scale."""
        return [
            Phase(f"scale={scale:g}", kind="noise", spec={"scale": scale})
            for scale in self.config.scale
        ]


@hookimpl
def suite_attacks() -> list[type[Attack[Any]]]:
    """Register the attack."""
    return [Noisy]
