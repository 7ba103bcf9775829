"""Preference methods: a loss of the chosen and the rejected answer to one prompt.

    class IPO(PairedMethod[IPOConfig]):
        name, Config = "ipo", IPOConfig

        def pair_loss(self, pairs):
            return losses.ipo(*pairs.sums, tau=self.config.tau)  # (B,)

`pair_loss` sees log-probabilities and nothing else, so the same method trains a language model,
whose answers are texts, and a bandit, whose answers are arms.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite.api.batch import Batch, Policy, Texts
from suite.api.method import C, Method
from suite.api.returned import check_pair_loss
from suite.api.step import LossOutput
from suite.api.untouched import Watch, tensors_in

if TYPE_CHECKING:
    from torch import Tensor

DPO_TRAINING = {"lr": 1e-6, "batch_size": 64, "warmup_steps": 150}
"""How DPO's paper trains (arXiv 2305.18290, appendix B); most later papers compare under much the
same."""

Four = tuple["Tensor", "Tensor", "Tensor", "Tensor"]
"""Chosen, rejected, reference chosen, reference rejected; each (B,)."""


@dataclass(frozen=True)
class Population:
    """The true preferences among K answers to each of P prompts: a bandit's arms. Texts have
    none."""

    preferences: Tensor
    """(P, K, K), p*(row's answer > column's answer)."""
    opponents: Tensor
    """(P, K), distribution of the answer that others are compared with."""
    prompt: Tensor
    """(B,), which of the P each pair answers."""
    chosen: Tensor
    """(B,), which of the K each pair's chosen answer is."""
    rejected: Tensor
    """(B,), the same for the rejected answers."""


@dataclass(frozen=True)
class PairLogps:
    """B pairs as log-probabilities in nats, summed over completion tokens, fp32 or fp64."""

    chosen_logps: Tensor
    """(B,)."""
    rejected_logps: Tensor
    """(B,)."""
    ref_chosen_logps: Tensor | None = None
    """(B,), under the frozen starting model; None for methods that need no reference."""
    ref_rejected_logps: Tensor | None = None
    """(B,)."""
    chosen_lengths: Tensor | None = None
    """(B,), completion tokens; None: every answer is one token (an arm)."""
    rejected_lengths: Tensor | None = None
    """(B,)."""
    mismatched_logps: Tensor | None = None
    """(B,), each prompt with the chosen answer of another pair; only for methods with the role
    `mismatched`."""
    ref_mismatched_logps: Tensor | None = None
    """(B,)."""
    population: Population | None = None
    """True preferences, where they are known."""

    @property
    def sums(self) -> Four:
        """Policy and reference, summed over tokens: what most losses take. ValueError without a
        reference."""
        if self.ref_chosen_logps is None or self.ref_rejected_logps is None:
            raise ValueError("the log-probabilities of the reference are missing")
        return (
            self.chosen_logps,
            self.rejected_logps,
            self.ref_chosen_logps,
            self.ref_rejected_logps,
        )

    @property
    def means(self) -> Four:
        """The same per token. ValueError without a reference."""
        lengths = (self.chosen_lengths, self.rejected_lengths) * 2
        chosen, rejected, ref_chosen, ref_rejected = map(_per_token, self.sums, lengths)
        return chosen, rejected, ref_chosen, ref_rejected

    @property
    def chosen_mean_logps(self) -> Tensor:
        """(B,), nats per token."""
        return _per_token(self.chosen_logps, self.chosen_lengths)

    @property
    def rejected_mean_logps(self) -> Tensor:
        """(B,), nats per token."""
        return _per_token(self.rejected_logps, self.rejected_lengths)

    @property
    def logratios(self) -> tuple[Tensor, Tensor]:
        """log pi_theta(y|x) - log pi_ref(y|x) of chosen and rejected answers, each (B,)."""
        chosen, rejected, ref_chosen, ref_rejected = self.sums
        return chosen - ref_chosen, rejected - ref_rejected


def _per_token(logps: Tensor, lengths: Tensor | None) -> Tensor:
    return logps if lengths is None else logps / lengths


class PairedMethod(Method[C]):
    """Base class of methods that learn from pairs. A subclass writes `pair_loss`, and `rewards`
    where they differ."""

    family = "alignment"
    roles = frozenset({"pairs"})
    needs_reference: ClassVar[bool] = True
    train_defaults: ClassVar[Mapping[str, Any]] = DPO_TRAINING

    @abstractmethod
    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Loss of each pair, (B,), from log-probabilities alone."""

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """Rewards that this method's loss gives to chosen and rejected answers, each (B,).

        By default beta times the log-ratio to the reference, DPO's; `Config` must then have a
        `beta`.
        """
        settings: Any = self.config
        chosen, rejected = pairs.logratios
        return settings.beta * chosen, settings.beta * rejected

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Mean over pairs; logs rewards and log-probabilities."""
        pairs, chosen = self.score(policy, batch), batch["pairs"].chosen
        return LossOutput(self.share(pairs, chosen), self._metrics(pairs, chosen))

    def score(self, policy: Policy, batch: Batch) -> PairLogps:
        """Run the policy over the batch. Methods with further roles add what these say."""
        texts = batch["pairs"]
        chosen, rejected = texts.chosen, texts.rejected
        on_chosen, on_rejected = policy.joint(chosen, rejected)
        return PairLogps(
            on_chosen.logps,
            on_rejected.logps,
            chosen.reference_logps if self.needs_reference else None,
            rejected.reference_logps if self.needs_reference else None,
            chosen.lengths,
            rejected.lengths,
        )

    def share(self, pairs: PairLogps, chosen: Texts) -> Tensor:
        """This micro-batch's share of the step's loss; methods that average over tokens override
        it."""
        return chosen.mean(self.checked_pair_loss(pairs))

    def checked_pair_loss(self, pairs: PairLogps) -> Tensor:
        """`pair_loss`, checked. PluginError if it changed what it read, or is no (B,) tensor."""
        watch = Watch(self, "pair_loss", dict(tensors_in(pairs, "pairs")))
        found = self.pair_loss(pairs)
        watch.check()
        check_pair_loss(self, found, pairs.chosen_logps.shape)
        return found

    def _metrics(self, pairs: PairLogps, chosen: Texts) -> dict[str, Tensor]:
        reward_w, reward_l = (reward.detach() for reward in self.rewards(pairs))
        rows = {
            "rewards/chosen": reward_w,
            "rewards/rejected": reward_l,
            "rewards/margins": reward_w - reward_l,
            "rewards/accuracies": (reward_w > reward_l).float(),
            "logps/chosen": pairs.chosen_logps,
            "logps/rejected": pairs.rejected_logps,
            "mean_logps/chosen": pairs.chosen_mean_logps,
            "mean_logps/rejected": pairs.rejected_mean_logps,
        }
        return {name: chosen.mean(row.detach()) for name, row in rows.items()}
