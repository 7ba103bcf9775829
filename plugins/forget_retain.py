"""What most unlearning methods share: a loss on the forget set, and one that keeps the retain set.

    L = forget_weight * forget_loss + retain_weight * retain_loss

    class GradDiff(ForgetRetainMethod[ForgetRetainConfig]):
        name, Config = "grad_diff", ForgetRetainConfig

        def forget_loss(self, batch, scored):
            return batch["forget"].token_mean(scored["forget"].token_logps)

A method writes `forget_loss`, the term that its paper is about. The retain term is cross-entropy
unless the method overrides `retain_loss`. Not a plugin of its own: it registers no method.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypedDict, TypeVar

from suite import Batch, LossOutput, Method, Policy, Scored, Texts
from suite.ranges import NonNegative

if TYPE_CHECKING:
    from torch import Tensor

ForgetRole = Literal["forget", "alternate"]


class ScoredRoles(TypedDict, total=False):
    """What the policy says of the roles that a forget term reads."""

    forget: Scored
    alternate: Scored


@dataclass(frozen=True)
class ForgetRetainConfig:
    """Weights of the two terms."""

    forget_weight: NonNegative = 1.0
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""


C = TypeVar("C", bound=ForgetRetainConfig)


class ForgetRetainMethod(Method[C]):
    """Base class of methods that add a weighted forget term and a weighted retain term."""

    family = "unlearning"
    roles: ClassVar[frozenset[str]] = frozenset({"forget", "retain"})
    reads: ClassVar[tuple[ForgetRole, ...]] = ("forget",)
    """Roles that `forget_loss` reads."""
    retain_metric: ClassVar[str] = "retain_loss"
    """Name of the retain term in the training log."""

    @abstractmethod
    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """The micro-batch's share of the forget term, (). `scored`: the roles in `reads`."""

    def retain_loss(self, retain: Texts, scored: Scored) -> Tensor:
        """The micro-batch's share of the retain term, (): cross-entropy, mean over tokens."""
        return retain.token_mean(-scored.token_logps)

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """The weighted sum of both terms; logs each term without its weight."""
        retain = batch["retain"]
        # One forward pass over all roles is faster than one for each, with the same numbers.
        *on_read, on_retain = policy.joint(*(batch[role] for role in self.reads), retain)
        scored: ScoredRoles = {}
        for role, on_role in zip(self.reads, on_read, strict=True):
            scored[role] = on_role
        forget_loss = self.forget_loss(batch, scored)
        retain_loss = self.retain_loss(retain, on_retain)
        weighted_forget = self.config.forget_weight * forget_loss
        weighted_retain = self.config.retain_weight * retain_loss
        return LossOutput(
            weighted_forget + weighted_retain,
            {"forget_loss": forget_loss.detach(), self.retain_metric: retain_loss.detach()},
        )
