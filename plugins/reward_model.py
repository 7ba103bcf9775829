"""The reward model that other methods learn from.

    L = E[-log sigma(r_w - r_l - margin) + centering (r_w + r_l)^2]

Bradley-Terry; Ouyang et al., arXiv 2203.02155, equation 1. r is a linear head on the starting
model's last hidden state after the answer; the whole model is trained. All pairs of a prompt come
in one step, since their answers are correlated, and each answer is read once (section 3.5 there); a
step then holds about `batch_size` pairs. `margin` and `centering` are those of arXiv 2307.09288 and
2312.09244. Some prompts are held out, and the accuracy on their pairs is stored with the model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from suite import (
    Batch,
    Engine,
    LossOutput,
    Method,
    Policy,
    Request,
    Response,
    Reward,
    Rewarded,
    ScoreText,
    TrainState,
    Unanswered,
    hookimpl,
    losses,
)
from suite.ranges import NonNegative

if TYPE_CHECKING:
    from torch import Tensor, nn

EVALUATED_AT_ONCE = 16
"""Held-out pairs in one forward pass."""


@dataclass(frozen=True)
class RewardModelConfig:
    """Margin, centring, and the share of prompts that is held out."""

    margin: NonNegative = 0.0
    """How far the chosen answer's reward should at least be above the other's."""
    centering: NonNegative = 0.0
    """Weight of (r_w + r_l)^2, which keeps rewards near 0 (paper: 0.01)."""
    held_out: NonNegative = 0.1
    """Share of prompts whose pairs are not trained on but measure the accuracy."""

    def __post_init__(self) -> None:
        if self.held_out >= 1:
            raise ValueError(f"held_out is a share of the prompts, below 1, not {self.held_out}")


class RewardModel(Method[RewardModelConfig]):
    """Bradley-Terry reward model: a scalar head on the starting model."""

    name = "reward_model"
    family = "alignment"
    roles = frozenset({"pairs"})
    answers = frozenset({"loglikelihood"})
    needs_reward = "own"
    serves = "reward"
    whole_prompts = True
    train_defaults: ClassVar = {"lr": 1e-5, "batch_size": 64, "epochs": 1}
    Config = RewardModelConfig

    def __init__(self, config: RewardModelConfig) -> None:
        super().__init__(config)
        self.held_out: Sequence[Any] = ()
        self.reward: Reward | None = None

    def select(self, roles: Mapping[str, Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
        """Hold some prompts out, chosen by a hash of their tokens; train on the others."""
        prompts = sorted({pair.chosen.prompt_ids for pair in roles["pairs"]}, key=_hash)
        held_out_prompts = set(prompts[: round(self.config.held_out * len(prompts))])
        held_out: list[Any] = []
        training: list[Any] = []
        for pair in roles["pairs"]:
            is_held_out = pair.chosen.prompt_ids in held_out_prompts
            (held_out if is_held_out else training).append(pair)
        self.held_out = held_out
        return {"pairs": training}

    def heads(self, hidden_size: int) -> Mapping[str, nn.Module]:
        """The reward's head, standard deviation 1 / sqrt(d + 1) as in arXiv 2009.01325."""
        from torch import nn

        head = nn.Linear(hidden_size, 1)
        nn.init.normal_(head.weight, std=(hidden_size + 1) ** -0.5)
        nn.init.zeros_(head.bias)
        return {"reward": head}

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Keep the head."""
        self.head = state.heads["reward"]

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Bradley-Terry, mean over pairs."""
        import torch

        chosen, rejected = self._rewards(policy, batch)
        margin = torch.full_like(chosen, self.config.margin)
        share = batch["pairs"].chosen.mean
        per_pair = losses.reward_model(
            chosen, rejected, margin, centering=self.config.centering
        )  # (B,)
        return LossOutput(
            share(per_pair),
            {
                "rewards/chosen": share(chosen.detach()),
                "rewards/rejected": share(rejected.detach()),
                "rewards/accuracies": share((chosen > rejected).float()),
            },
        )

    def _rewards(self, policy: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Rewards of chosen and rejected answers, (B,) each.

        The policy reads an answer once, however many pairs it is in.
        """
        from suite.toolkit import rewards

        chosen, rejected = batch["pairs"].chosen, batch["pairs"].rejected
        on_chosen, on_rejected = policy.joint(chosen, rejected)
        return (
            rewards(on_chosen.hidden, chosen, self.head),
            rewards(on_rejected.hidden, rejected, self.head),
        )

    def save(self, state: TrainState, folder: Path) -> None:
        """Write the head, and the accuracy on the held-out pairs."""
        from safetensors.torch import save_file

        from suite import write_json
        from suite.toolkit import ACCURACY, HEAD

        (folder / HEAD).parent.mkdir()
        weights = {name: tensor.contiguous() for name, tensor in self.head.state_dict().items()}
        save_file(weights, folder / HEAD)
        right = self._ordered_rightly(state)
        accuracy = right / len(self.held_out) if self.held_out else None
        write_json(folder / ACCURACY, {"accuracy": accuracy, "held_out_pairs": len(self.held_out)})

    def _ordered_rightly(self, state: TrainState) -> int:
        """How many held-out pairs have the higher reward on the chosen answer."""
        import torch

        from suite.toolkit import References, micro_batches

        if not self.held_out:
            return 0
        right = 0
        rows, device = {"pairs": self.held_out}, state.parameters[0].device
        with torch.no_grad(), state.autocast():
            for batch in micro_batches(rows, EVALUATED_AT_ONCE, 0, References(), device):
                chosen, rejected = self._rewards(state.policy, batch)
                right += int((chosen > rejected).sum())
        return right

    def prepare(self, rows: Mapping[str, Any], reward: Reward | None) -> None:
        """Keep the trained reward model."""
        self.reward = reward

    def respond(self, engine: Engine, requests: Sequence[Request]) -> list[Response]:
        """Give the reward of each answer that a request holds.

        A reward model writes no answers, and its log-probabilities mean nothing.
        """
        assert self.reward is not None, "prepare comes first"
        given = [request for request in requests if isinstance(request, ScoreText)]
        values = self.reward.score([r.prompt for r in given], [r.completion for r in given])
        answers: dict[str, Response] = {}
        for request, value in zip(given, values, strict=True):
            answers[request.id] = Rewarded(request.id, value)
        return [answers.get(request.id, Unanswered(request.id)) for request in requests]


def _hash(prompt: tuple[int, ...]) -> str:
    return hashlib.sha256(repr(prompt).encode()).hexdigest()


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [RewardModel]
