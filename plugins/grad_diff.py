"""GradDiff: gradient ascent on forget, descent on retain (TOFU, arXiv 2401.06121).

    L = -forget_weight * CE(forget) + retain_weight * CE(retain)

Both terms are token means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suite import Batch, Method, hookimpl

from .forget_retain import ForgetRetainConfig, ForgetRetainMethod, ScoredRoles

if TYPE_CHECKING:
    from torch import Tensor


class GradDiff(ForgetRetainMethod[ForgetRetainConfig]):
    """Gradient difference: ascent on forget, descent on retain."""

    name = "grad_diff"
    Config = ForgetRetainConfig

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """-CE(forget), mean over tokens: log-probabilities with a plus sign are pushed down."""
        return batch["forget"].token_mean(scored["forget"].token_logps)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [GradDiff]
