"""Settings, and the paper's choice of step size and beta for each method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from suite.ranges import NonNegative, Positive

Count = Annotated[int, Ge(1)]

BETA = {"npo": (1.0, 10.0), "npo_rt": (1.0, 10.0), "npo_kl": (1.0, 10.0), "idk_dpo": (0.1, 5.0)}
"""The paper's beta at alpha = 1 and alpha = 0 (npo_kl as npo_rt)."""
LR = dict.fromkeys(BETA, (5e-3, 5e-2))
"""The paper's step sizes for these methods, likewise."""
GA_LR = (5e-4, 1e-4)
"""The paper's for GA, GA+RT (grad_diff) and IDK+RT (idk_sft); here also for methods that the paper
does not have."""
THEOREM_LR = 1.0
"""The theorem wants at most 1."""


@dataclass(frozen=True)
class LogisticConfig:
    """Settings of both splits; the defaults are the paper's."""

    alpha: NonNegative = 1.0
    """synthetic: forget inputs centre at alpha, retain inputs at -alpha, in every coordinate
    (paper: 0 and 1)."""
    lr: Positive | None = None
    """Step size of every method; none: the paper's for the method (synthetic), 1 (theorem)."""
    steps: Annotated[int, Ge(10)] = 2000
    """Steps of gradient descent that a method takes."""
    fit_steps: Count = 20_000
    """synthetic: steps that fit the starting network and the retrain network."""
    repeats: Count = 5
    """Random problems per seed, over which metrics are means (theorem) or medians (synthetic)."""
    betas: tuple[Positive, ...] = (0.1, 0.5)
    """theorem: also run with these beta, if the method has one; their metrics end in /beta=..."""

    def beta(self, method: str) -> float:
        """Give the paper's beta; KeyError if the paper has none for the method."""
        return self._at_alpha(BETA[method])

    def synthetic_lr(self, method: str) -> float:
        """Give the step size of a method in `synthetic`."""
        return self.lr or self._at_alpha(LR.get(method, GA_LR))

    def _at_alpha(self, values: tuple[float, float]) -> float:
        return values[0] if self.alpha > 0 else values[1]
