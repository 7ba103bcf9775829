"""KL minimisation: ascent on forget, stay near the start on retain (TOFU, arXiv 2401.06121).

    L = -forget_weight * CE(forget) + retain_weight * KL(pi_ref || pi_theta) on retain

The KL is over the whole vocabulary, at completion positions only, mean per token. (The original
code also counts prompt positions.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suite import Batch, Method, Scored, Texts, hookimpl

from .forget_retain import ForgetRetainConfig, ForgetRetainMethod, ScoredRoles

if TYPE_CHECKING:
    from torch import Tensor


class KLMin(ForgetRetainMethod[ForgetRetainConfig]):
    """Gradient ascent on forget, KL to the starting model on retain."""

    name = "kl_min"
    needs_reference_hidden = frozenset({"retain"})
    retain_metric = "retain_kl"
    Config = ForgetRetainConfig

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """-CE(forget), mean over tokens."""
        return batch["forget"].token_mean(scored["forget"].token_logps)

    def retain_loss(self, retain: Texts, scored: Scored) -> Tensor:
        """KL(pi_ref || pi_theta), mean over tokens."""
        return retain.token_mean(scored.reference_kl())


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [KLMin]
