"""KTO: each answer is desirable or not, and its value follows prospect theory.

    L = mean over answers of  lambda_D (1 - sigma(beta (rho - z0)))  if desirable (chosen)
                              lambda_U (1 - sigma(beta (z0 - rho)))  if undesirable (rejected)
    z0 = max(0, mean rho of prompts with another row's chosen answer), without gradient

Ethayarajh et al., arXiv 2402.01306, eq. 8. rho = log pi_theta(y|x) - log pi_ref(y|x), summed over
tokens. Every pair counts as two answers, and the loss of a pair is their mean. z0, an estimate of
KL(policy || reference), couples the rows: a step is never cut into micro-batches, and has at least
two pairs. beta is the paper's, the training settings are DPO's. The paper weights the sides with
lambda_D n_D / (lambda_U n_U) in [1, 4/3]; pairs are balanced, so both are 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from suite import Batch, Method, PairedMethod, PairLogps, Policy, UserError, hookimpl, losses
from suite.ranges import NonNegative, Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class KTOConfig:
    """Temperature and weights of the two sides."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats: how soon the value saturates (paper: 0.1)."""
    desirable_weight: NonNegative = 1.0
    """lambda_D, weight of chosen answers."""
    undesirable_weight: NonNegative = 1.0
    """lambda_U, weight of rejected answers."""


class KTO(PairedMethod[KTOConfig]):
    """Kahneman-Tversky optimisation on the two answers of each pair."""

    name = "kto"
    roles = frozenset({"pairs", "mismatched"})
    batch_coupled = True
    Config = KTOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Mean of the two answers' losses."""
        import torch

        chosen, rejected, ref_chosen, ref_rejected = pairs.sums
        desirable = torch.ones_like(chosen, dtype=torch.bool)
        settings = {
            "beta": self.config.beta,
            "desirable_weight": self.config.desirable_weight,
            "undesirable_weight": self.config.undesirable_weight,
        }
        z0 = self._z0(pairs)
        up = losses.kto(chosen, ref_chosen, desirable, z0, **settings)
        down = losses.kto(rejected, ref_rejected, ~desirable, z0, **settings)
        return (up + down) / 2

    def score(self, policy: Policy, batch: Batch) -> PairLogps:
        """Score the mismatched answers too. UserError if a step has one pair only."""
        import torch

        mismatched = batch["mismatched"]
        if len(mismatched.ids) < 2:
            raise UserError(
                "kto: a step has a single pair, but z0 needs at least two; "
                "choose another kto.batch_size"
            )
        with torch.no_grad():
            logps = policy(mismatched).logps
        pairs = super().score(policy, batch)
        return replace(
            pairs, mismatched_logps=logps, ref_mismatched_logps=mismatched.reference_logps
        )

    def _z0(self, pairs: PairLogps) -> Tensor:
        """The estimate of KL(policy || reference), ()."""
        if pairs.mismatched_logps is None or pairs.ref_mismatched_logps is None:
            # A bandit: all rows share one prompt, so every row's chosen answer is a mismatched one
            # of another row, and the mean over all of them is the same.
            chosen, _, ref_chosen, _ = pairs.sums
            return losses.kto_z0(chosen, ref_chosen)
        return losses.kto_z0(pairs.mismatched_logps, pairs.ref_mismatched_logps)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [KTO]
