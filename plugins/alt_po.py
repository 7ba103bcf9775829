"""AltPO: prefer answers that the model itself could give to the forget answer.

    L = forget_weight * (2/beta) E[-log sigma(beta (rho(alternate) - rho(y_forget)))]
        + retain_weight * CE(retain)

Mekala et al., arXiv 2409.13474. rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens;
(2/beta) ln 2 at the start; CE is a token mean. The starting model writes `alternates` answers to
every forget question before training, and each step takes one of them.

The paper has a chat model write them, from a prompt that shows the known answer and asks for
another one. Models that follow no instructions cannot do that. Here the answer to the bare question
is sampled; where it is the forget answer itself, it is sampled again at a higher temperature.
(A pair that stays equal after all attempts has no gradient; the log counts such pairs.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from suite import (
    Batch,
    Encoded,
    LossOutput,
    Method,
    Policy,
    StepOutput,
    TrainState,
    hookimpl,
    losses,
)
from suite.ranges import Positive

from .forget_retain import ForgetRetainConfig, ForgetRetainMethod, ScoredRoles

if TYPE_CHECKING:
    from torch import Tensor

    from suite import Texts
    from suite.toolkit import TextBatch

ATTEMPTS = 6
"""Most samples of one alternate; the last one is kept even if it is the forget answer."""
HOTTER = 0.5
"""Added to the temperature at each further attempt."""
BATCH_TOKENS = 4096
"""Most tokens in one batch of questions."""


@dataclass(frozen=True)
class AltPOConfig(ForgetRetainConfig):
    """DPO's setting, the weights of the two terms, and how alternates are sampled."""

    beta: Positive = 0.1
    """Inverse temperature of the preference, 1 / nats (paper: 0.1)."""
    alternates: int = 5
    """Alternate answers to each forget question (paper: 5)."""
    temperature: Positive = 1.0
    """Sampling temperature of the first attempt at an alternate."""

    def __post_init__(self) -> None:
        if self.alternates < 1:
            raise ValueError(f"alternates must be at least 1, not {self.alternates}")


class AltPO(ForgetRetainMethod[AltPOConfig]):
    """DPO of the model's own alternates over forget answers, cross-entropy on retain."""

    name = "alt_po"
    reads = ("alternate", "forget")
    needs_reference = True
    Config = AltPOConfig

    def __init__(self, config: AltPOConfig) -> None:
        super().__init__(config)
        self.turn = 0
        self.alternates: dict[str, list[tuple[Encoded, Tensor]]] = {}

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Have the starting model write and score the alternates of every forget row."""
        from suite.toolkit import by_length

        self.alternates = {row.id: [] for row in roles["forget"]}
        for group in by_length(roles["forget"], BATCH_TOKENS):
            for _ in range(self.config.alternates):
                for alternate, logps in _scored(state, self._draw(state, group)):
                    self.alternates[alternate.id].append((alternate, logps))

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Both terms, with this step's alternates; logs how many equal the forget answer."""
        forget = batch["forget"]
        alternate = self._alternate(forget)
        output = super().loss(policy, {**batch, "alternate": alternate})
        equal = (alternate.reference_logps == forget.reference_logps).float()
        return replace(output, metrics={**output.metrics, "alternates_equal": forget.mean(equal)})

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """DPO, the alternate chosen and the forget answer rejected; mean over sequences."""
        per_example = losses.alt_po(
            scored["alternate"].logps,
            scored["forget"].logps,
            batch["alternate"].reference_logps,
            batch["forget"].reference_logps,
            beta=self.config.beta,
        )  # (B,)
        return batch["forget"].mean(per_example)

    def train_step(self, state: TrainState, micro_batches: Sequence[Batch]) -> StepOutput:
        """The usual step; the step's number decides which alternate each row takes."""
        self.turn = state.step
        return super().train_step(state, micro_batches)

    def _alternate(self, forget: Texts) -> TextBatch:
        """This step's alternates of the rows, with their reference log-probabilities."""
        import torch

        from suite.toolkit import collate

        turn = self.turn % self.config.alternates
        texts: list[Encoded] = []
        logps: list[Tensor] = []
        for id in forget.ids:
            text, text_logps = self.alternates[id][turn]
            texts.append(text)
            logps.append(text_logps)
        batch = collate(texts, pad_id=0, device=forget.device)
        batch.reference_token_logps = torch.cat(logps).to(forget.device)
        return batch

    def _draw(self, state: TrainState, rows: Sequence[Encoded]) -> list[Encoded]:
        """One alternate for each row, sampled again while it is the row's own answer."""
        drawn: dict[str, Encoded] = {}
        pending = list(rows)
        for attempt in range(ATTEMPTS):
            answers = _sample(state, pending, self.config.temperature + attempt * HOTTER)
            for row, answer in zip(pending, answers, strict=True):
                drawn[row.id] = Encoded(row.id, row.prompt_ids, answer)
            pending = [row for row in pending if drawn[row.id].completion_ids == row.completion_ids]
            if not pending:
                break
        return [drawn[row.id] for row in rows]


def _sample(
    state: TrainState, rows: Sequence[Encoded], temperature: float
) -> list[tuple[int, ...]]:
    """Sample an answer to each row's prompt, at most as long as the longest known answer."""
    import torch

    model: Any = state.policy.model
    end = rows[0].completion_ids[-1]  # every answer ends with the end-of-sequence token
    width = max(len(row.prompt_ids) for row in rows)
    context = getattr(model.config, "max_position_embeddings", None) or width * 2
    longest = max(len(row.completion_ids) for row in rows)
    prompts: list[list[int]] = []
    masks: list[list[int]] = []
    for row in rows:
        # On the left, so that every answer starts in the same column.
        padding = width - len(row.prompt_ids)
        prompts.append([end] * padding + list(row.prompt_ids))
        masks.append([0] * padding + [1] * len(row.prompt_ids))
    with torch.no_grad(), state.autocast():
        output = model.generate(
            input_ids=torch.tensor(prompts).to(model.device),
            attention_mask=torch.tensor(masks).to(model.device),
            do_sample=True,
            temperature=temperature,
            top_k=0,
            top_p=1.0,
            repetition_penalty=1.0,  # whatever the model's generation settings say
            suppress_tokens=list(state.unknown_ids) or None,
            max_new_tokens=min(longest, max(1, context - width)),
            eos_token_id=end,
            pad_token_id=end,
        )
    return [_until(answer, end) for answer in output[:, width:].tolist()]


def _until(ids: list[int], end: int) -> tuple[int, ...]:
    """The ids up to the first `end`, which is included."""
    return tuple(ids[: ids.index(end) + 1] if end in ids else ids)


def _scored(state: TrainState, texts: Sequence[Encoded]) -> Iterator[tuple[Encoded, Tensor]]:
    """Yield each text with the log-probabilities of its completion tokens, (T,)."""
    import torch

    from suite.toolkit import collate

    batch = collate(texts, pad_id=0, device=state.parameters[0].device)
    with torch.no_grad(), state.autocast():
        logps = state.policy(batch).token_logps.cpu()
    yield from zip(texts, torch.split(logps, batch.lengths.tolist()), strict=True)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [AltPO]
