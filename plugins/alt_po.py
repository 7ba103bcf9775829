"""AltPO: prefer answers that the model itself could give to the forget answer (Mekala et al., arXiv 2409.13474).

    L = forget_weight * (2/beta) E[-log sigma(beta (rho(alternate) - rho(y_forget)))] + retain_weight * CE(retain)

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens; (2/beta) ln 2 at the start; CE is a token mean. The
starting model writes `alternates` answers to every forget question before training, and each step takes one of them.
The paper has a chat model write them from a prompt that shows the known answer and asks for another one. Models that
follow no instructions cannot; here the answer to the bare question is sampled, and where it is the forget answer
itself it is sampled again, hotter each time. (What stays equal after that has no gradient; the log counts it.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from suite.ranges import NonNegative, Positive

if TYPE_CHECKING:
    from torch import Tensor

    from suite import Texts
    from suite.toolkit import TextBatch

ATTEMPTS = 6
HOTTER = 0.5
"""Added to the temperature at each further attempt."""
BATCH_TOKENS = 4096


@dataclass(frozen=True)
class AltPOConfig:
    """DPO's setting, the weights of the two terms, and how alternates are sampled."""

    beta: Positive = 0.1
    """Inverse temperature of the preference, 1 / nats (paper: 0.1)."""
    forget_weight: NonNegative = 1.0
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""
    alternates: int = 5
    """Alternate answers to each forget question (paper: 5)."""
    temperature: Positive = 1.0
    """Of the first attempt at an alternate."""

    def __post_init__(self) -> None:
        if self.alternates < 1:
            raise ValueError(f"alternates must be at least 1, not {self.alternates}")


class AltPO(Method[AltPOConfig]):
    """DPO of the model's own alternates over forget answers, cross-entropy on retain."""

    name = "alt_po"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    needs_reference = True
    Config = AltPOConfig

    def __init__(self, config: AltPOConfig) -> None:
        super().__init__(config)
        self.turn = 0
        self.alternates: dict[str, list[tuple[Encoded, Tensor]]] = {}

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Sample the alternates of every forget row from the starting model, and score them with it."""
        from suite.toolkit import by_length

        self.alternates = {row.id: [] for row in roles["forget"]}
        for group in by_length(roles["forget"], BATCH_TOKENS):
            for _ in range(self.config.alternates):
                for alternate, logps in _scored(state, self._draw(state, group)):
                    self.alternates[alternate.id].append((alternate, logps))

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """DPO with an alternate as chosen and the forget answer as rejected; token-mean cross-entropy on retain."""
        forget, retain = batch["forget"], batch["retain"]
        alternate = self._alternate(forget)
        on_alternate, on_forget, on_retain = policy.joint(alternate, forget, retain)
        per_example = losses.alt_po(
            on_alternate.logps,
            on_forget.logps,
            alternate.reference_logps,
            forget.reference_logps,
            beta=self.config.beta,
        )  # (B,)
        dpo = forget.mean(per_example)
        nll = retain.token_mean(-on_retain.token_logps)
        equal = (alternate.reference_logps == forget.reference_logps).float()
        return LossOutput(
            self.config.forget_weight * dpo + self.config.retain_weight * nll,
            {
                "forget_loss": dpo.detach(),
                "retain_loss": nll.detach(),
                "alternates_equal": forget.mean(equal),
            },
        )

    def train_step(self, state: TrainState, micro_batches: Sequence[Batch]) -> StepOutput:
        """The usual step; its number says which alternate each row takes."""
        self.turn = state.step
        return super().train_step(state, micro_batches)

    def _alternate(self, forget: Texts) -> TextBatch:
        """This step's alternates of the rows, with their reference log-probabilities."""
        import torch

        from suite.toolkit import collate

        rows = [self.alternates[id][self.turn % self.config.alternates] for id in forget.ids]
        device = forget.device
        batch = collate([text for text, _ in rows], pad_id=0, device=device)
        batch.reference_token_logps = torch.cat([logps for _, logps in rows]).to(device)
        return batch

    def _draw(self, state: TrainState, rows: Sequence[Encoded]) -> list[Encoded]:
        """One alternate for each row."""
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
    """An answer to each row's prompt, at most as long as the longest known answer of these rows."""
    import torch

    model: Any = state.policy.model
    end = rows[0].completion_ids[-1]
    width = max(len(row.prompt_ids) for row in rows)
    context = getattr(model.config, "max_position_embeddings", None) or width * 2
    padded = torch.tensor(
        [[end] * (width - len(row.prompt_ids)) + list(row.prompt_ids) for row in rows]
    )
    mask = torch.tensor(
        [[0] * (width - len(row.prompt_ids)) + [1] * len(row.prompt_ids) for row in rows]
    )
    with torch.no_grad(), state.autocast():
        output = model.generate(
            input_ids=padded.to(model.device),
            attention_mask=mask.to(model.device),
            do_sample=True,
            temperature=temperature,
            top_k=0,
            top_p=1.0,
            max_new_tokens=min(
                max(len(row.completion_ids) for row in rows), max(1, context - width)
            ),
            eos_token_id=end,
            pad_token_id=end,
        )
    return [_until(answer, end) for answer in output[:, width:].tolist()]


def _until(ids: list[int], end: int) -> tuple[int, ...]:
    return tuple(ids[: ids.index(end) + 1] if end in ids else ids)


def _scored(state: TrainState, texts: Sequence[Encoded]) -> Iterator[tuple[Encoded, Tensor]]:
    """Each text with the log-probabilities of its completion tokens, (T,)."""
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
