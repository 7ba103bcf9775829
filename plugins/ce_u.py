"""CE-U, cross-entropy unlearning: towards the model's own distribution without the label.

    L = mean_t CE(pi_theta(. | x, y_<t), softmax(stop_grad(z_t), z_t[y_t] = -infinity))

Yang, arXiv 2503.01224. z: the policy's logits. The gradient is bounded, unlike gradient ascent's:
at the label's logit it is the label's probability p_t. The first token of each answer is skipped,
as in the paper's footnote; the mean is over the others. No retain term.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl, losses


@dataclass(frozen=True)
class CEUConfig:
    """Nothing to set."""


class CEU(Method[CEUConfig]):
    """Cross-entropy with the model's own distribution, the label left out."""

    name = "ce_u"
    family = "unlearning"
    roles = frozenset({"forget"})
    Config = CEUConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Mean over the step's answer tokens, without the first token of each answer."""
        forget = batch["forget"]
        per_token = losses.ce_u(policy(forget).logits, forget.targets)  # (N,)
        # Tokens of one answer stand together: an answer begins where the row's number changes.
        is_first = forget.rows.diff(prepend=forget.rows[:1] - 1) != 0  # (N,)
        counted = forget.step_tokens - forget.step_sequences
        return LossOutput(per_token.masked_fill(is_first, 0.0).sum() / max(1, counted))


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [CEU]
