"""Answers that the policy in training gives, and what a step of an online method needs to know of
them.

    sample      P prompts -> P * G answers at temperature 1, all rows decoded at once
    collect     their rewards, and their log-probabilities under policy and frozen starting model

What is drawn is a function of (seed, step, prompt, number of the answer), so a resumed run draws
what the uninterrupted one would have drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from suite.api.data import Encoded
from suite.api.requests import Generate
from suite.api.step import TrainState
from suite.core.errors import UserError
from suite.engines.hf.decode import Decoder, Text
from suite.engines.hf.scoring import Scorer
from suite.engines.hf.sharing import Prompt
from suite.model.batch import TextBatch, collate
from suite.model.layout import share_window
from suite.model.logprobs import LMPolicy, end_ids
from suite.model.weights import context_of
from suite.store.seeds import hash_seed


@dataclass
class Part:
    """A micro-batch of rollouts: B answers with N tokens altogether; tensors carry no gradient."""

    texts: TextBatch
    rewards: Tensor
    """(B,)."""
    logps: Tensor
    """(N,), of the policy that sampled them."""
    ref_logps: Tensor
    """(N,), of the frozen starting model (without one: equal to `logps`)."""
    hidden: Tensor
    """(N, d), the sampling policy's last hidden states where the tokens are predicted."""
    extra: dict[str, Tensor] = field(default_factory=dict)
    """What the method adds: advantages, returns, ..."""

    @property
    def log_ratios(self) -> Tensor:
        """log pi - log pi_ref of each token, (N,), nats."""
        return self.logps - self.ref_logps

    def padded(self, per_token: Tensor) -> Tensor:
        """Tokens in rows, 0 behind the end. Shape: (N,) -> (B, T)."""
        rows = torch.split(per_token, self.texts.lengths.tolist())
        return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)

    @property
    def mask(self) -> Tensor:
        """(B, T), true on tokens of `padded`."""
        lengths = self.texts.lengths
        return torch.arange(int(lengths.max()), device=lengths.device) < lengths[:, None]


@dataclass
class Rollouts:
    """A step's answers, in micro-batches."""

    parts: list[Part]
    samples: int
    """Answers to each prompt, G; those of one prompt follow each other."""

    @property
    def rewards(self) -> Tensor:
        """(P, G)."""
        return torch.cat([part.rewards for part in self.parts]).view(-1, self.samples)

    @property
    def sequence_log_ratios(self) -> Tensor:
        """log pi(y|x) - log pi_ref(y|x), summed over tokens, (P, G), nats: their mean estimates the
        KL."""
        return torch.cat([part.texts.row_sum(part.log_ratios) for part in self.parts]).view(
            -1, self.samples
        )

    def spread(self, name: str, per_answer: Tensor) -> None:
        """Give every token its answer's value, as `extra[name]`. Shape: (P, G)."""
        sizes = [len(part.rewards) for part in self.parts]
        for part, values in zip(self.parts, torch.split(per_answer.flatten(), sizes), strict=True):
            part.extra[name] = values[part.texts.rows]

    def metrics(self) -> dict[str, float]:
        """What every online method logs."""
        lengths = torch.cat([part.texts.lengths for part in self.parts]).float()
        return {
            "reward": float(self.rewards.mean()),
            "reward_std": float(self.rewards.std(correction=0)),
            "kl": float(self.sequence_log_ratios.mean()),
            "answer_tokens": float(lengths.mean()),
        }


def collect(
    state: TrainState,
    prompts: Sequence[Encoded],
    reference: LMPolicy | None,
    *,
    samples: int,
    max_new_tokens: int,
) -> Rollouts:
    """Sample answers, have them rewarded, and score them under the policy and the reference."""
    policy: Any = state.policy
    end = {prompt.completion_ids[-1] for prompt in prompts} | end_ids(policy.model)
    texts = sample(
        policy.model, prompts, samples=samples,
        max_new_tokens=max_new_tokens, precision=state.autocast,
        seed=hash_seed(state.seed, "rollouts", state.step), eos_ids=frozenset(end),
        unknown=state.unknown_ids,
    )  # fmt: skip
    rewards = torch.split(rewarded(state, texts), state.micro_batch or len(texts))
    parts = []
    for batch, reward in zip(batches(texts, state), rewards, strict=True):
        with torch.no_grad(), state.autocast():
            scored = policy(batch)
            logps = scored.token_logps
            ref_logps = logps if reference is None else reference(batch).token_logps
        parts.append(Part(batch, reward, logps, ref_logps, scored.hidden))
    return Rollouts(parts, samples)


@torch.inference_mode()
def sample(
    model: Any,
    prompts: Sequence[Encoded],
    *,
    samples: int,
    max_new_tokens: int,
    seed: int,
    eos_ids: frozenset[int],
    precision: Callable[[], AbstractContextManager[Any]],
    unknown: Sequence[int] = (),
) -> list[Encoded]:
    """Sample `samples` answers to each prompt at temperature 1; a prompt is read once. Answers of a
    prompt adjoin.

    An answer ends in an end-of-sequence token, or is cut at `max_new_tokens` or at the model's
    context. `unknown`: ids that are no tokens.
    """
    read = Scorer(model, precision).read([Prompt(prompt.prompt_ids) for prompt in prompts])
    context = context_of(model.config)
    texts = []
    for prompt in prompts:
        limit = min(max_new_tokens, context - len(prompt.prompt_ids))
        if limit < 1:
            raise UserError(f"{prompt.id!r}: its prompt fills the context of {context} tokens")
        request = Generate(
            prompt.id, (), max_new_tokens=limit, temperature=1.0, n=samples, seed=seed
        )
        texts += [Text(request, limit, eos_ids, number) for number in range(samples)]
    index = torch.arange(len(prompts), device=read.last.device).repeat_interleave(samples)
    decoder = Decoder(model, precision, unknown)
    decoder.admit(texts, read.rows.select(index).aligned(), read.last[index])
    for _ in decoder.run(0):
        pass
    of = (prompt for prompt in prompts for _ in range(samples))
    return [
        Encoded(f"{prompt.id}#{text.copy}", prompt.prompt_ids, tuple(text.ids))
        for prompt, text in zip(of, texts, strict=True)
    ]


def rewarded(state: TrainState, texts: Sequence[Encoded]) -> Tensor:
    """The reward of each answer, (B,), fp32. UserError for one that is not a finite number."""
    assert state.rewarder is not None, "the method must declare needs_reward"
    rewards = state.rewarder(texts)
    for text, reward in zip(texts, rewards, strict=True):
        if not math.isfinite(reward):
            raise UserError(
                f"the reward of an answer to {text.id.rpartition('#')[0]!r} is {reward}"
            )
    return torch.tensor(rewards, dtype=torch.float32, device=state.parameters[0].device)


def batches(texts: Sequence[Encoded], state: TrainState) -> Iterator[TextBatch]:
    """Micro-batches, in order; each knows the counts of the whole step."""
    tokens = sum(len(text.completion_ids) for text in texts)
    size = state.micro_batch or len(texts)
    for start in range(0, len(texts), size):
        part = texts[start : start + size]
        yield collate(part, 0, state.parameters[0].device, (len(texts), tokens))


def frozen(state: TrainState) -> LMPolicy:
    """A copy of the starting model that does not train."""
    policy: Any = state.policy
    copied = state.placement.copied(policy.model).requires_grad_(False)
    share_window(policy.model, copied)
    return LMPolicy(copied)
