"""Encoded texts as tensors: the micro-batches that a policy reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from suite.api.data import Encoded

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from suite.model.packing import Packed


@dataclass
class TextBatch:
    """B texts as tensors, packed into P sequences of T tokens (see `suite.model.packing`); N:
    completion tokens."""

    texts: tuple[Encoded, ...]
    pad_id: int
    targets: Tensor
    """(N,), the completion tokens."""
    rows: Tensor
    """(N,), the row of each completion token."""
    lengths: Tensor
    """(B,), completion tokens of each row."""
    step_sequences: int
    """Sequences of this role in the whole optimiser step."""
    step_tokens: int
    """Completion tokens of this role in the whole optimiser step."""
    reference_token_logps: Tensor | None = None
    """(N,), under the frozen starting model."""
    window: int = 2**30
    """Longest text that the model reads side by side with others; see `suite.model.layout`."""
    reference_hidden: Tensor | None = None
    """(N, d), the starting model's last hidden states where the completion tokens are predicted."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Identifiers of the rows."""
        return tuple(text.id for text in self.texts)

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return self.targets.device

    @cached_property
    def packed(self) -> Packed:
        """The sequences that the decoder reads; laid out when first asked for, since a joint pass
        has its own."""
        from suite.model.packing import apart, pack

        side_by_side = max(map(len, self.texts)) <= self.window
        lay = pack if side_by_side else apart
        return lay(self.texts, self.pad_id).to(self.device)

    @property
    def positions(self) -> Tensor:
        """(N,), where in the flattened (P * T) the hidden state that predicts each completion token
        stands."""
        return self.packed.positions

    @property
    def model_inputs(self) -> dict[str, Any]:
        """What the decoder is called with."""
        from suite.model.layout import inputs

        return inputs(self.packed)

    def inputs_for(self, model: Any) -> dict[str, Any]:
        """What this model's decoder is called with: the texts laid out as it can read them."""
        from suite.model.layout import window_of

        window = window_of(model)
        if window != self.window:
            self.window = window
            self.__dict__.pop("packed", None)  # laid out for a model that reads otherwise
        return self.model_inputs

    @property
    def reference_logps(self) -> Tensor:
        """(B,), summed log-probabilities under the frozen starting model."""
        assert self.reference_token_logps is not None, "the method must declare needs_reference"
        return self.row_sum(self.reference_token_logps)

    def row_sum(self, per_token: Tensor) -> Tensor:
        """Sum the tokens of each completion, in fp32. Shape: (N,) -> (B,)."""
        sums = per_token.new_zeros(len(self.ids), dtype=per_token.dtype)
        return sums.index_add(0, self.rows, per_token)

    def mean(self, per_example: Tensor) -> Tensor:
        """This micro-batch's share of the mean over the step's sequences. Shape: (B,) -> ()."""
        if per_example.shape != (len(self.ids),):
            raise ValueError(
                f"per-example loss has shape {tuple(per_example.shape)}, expected "
                f"({len(self.ids)},)"
            )
        return per_example.sum() / self.step_sequences

    def token_mean(self, per_token: Tensor) -> Tensor:
        """This micro-batch's share of the mean over the step's completion tokens. Shape: (N,) ->
        ()."""
        if per_token.shape != self.targets.shape:
            raise ValueError(
                f"per-token loss has shape {tuple(per_token.shape)}, expected "
                f"{tuple(self.targets.shape)}"
            )
        return per_token.sum() / self.step_tokens


@dataclass
class PairBatch:
    """B pairs; row i of `chosen` and row i of `rejected` answer the same prompt."""

    chosen: TextBatch
    rejected: TextBatch


def join(batches: Sequence[TextBatch]) -> TextBatch:
    """Several batches as one, rows in order, so that one forward pass reads them all."""
    return collate(
        [text for batch in batches for text in batch.texts], batches[0].pad_id, batches[0].device
    )


def collate(
    texts: Sequence[Encoded],
    pad_id: int,
    device: torch.device | str = "cpu",
    step: tuple[int, int] | None = None,
) -> TextBatch:
    """Put texts into a batch.

    `step`: sequences and completion tokens of the whole optimiser step; by default this batch is
    the step.
    """
    import torch

    lengths = torch.tensor([len(t.completion_ids) for t in texts])
    sequences, tokens = step or (len(texts), int(lengths.sum()))
    return TextBatch(
        texts=tuple(texts),
        pad_id=pad_id,
        targets=torch.tensor([i for t in texts for i in t.completion_ids], device=device),
        rows=torch.repeat_interleave(torch.arange(len(texts)), lengths).to(device),
        lengths=lengths.to(device),
        step_sequences=sequences,
        step_tokens=tokens,
    )
