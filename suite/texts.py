"""Prompts and completions as token ids, once and with a checked boundary; and the micro-batches made of them.

    prompt      <user> Where was Hina Ameen born ? <assistant>      conditions, never scored
    completion  Hina Ameen was born in Karachi . <eos>              scored, end-of-sequence included

Which tokens are scored follows from the lengths of these two lists, never from comparing ids with the pad token
(where pad = eos that hides every turn delimiter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from suite.benchmark import Message
from suite.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from suite.packing import Packed


@dataclass(frozen=True)
class Encoded:
    """One tokenised text."""

    id: str
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt_ids) + len(self.completion_ids)


class Encoder:
    """A tokenizer together with the template that turns messages into text.

    `template`: "chat" for the tokenizer's own chat template, otherwise a text that holds `{prompt}`.
    """

    def __init__(self, tokenizer: Any, template: str = "chat", max_length: int = 512) -> None:
        check_template(tokenizer, template)
        self.tokenizer = tokenizer
        self.template = template
        self.max_length = max_length
        self.continues = continues(template)

    @property
    def eos_id(self) -> int:
        """The token that ends a completion."""
        return int(self.tokenizer.eos_token_id)

    def encode(self, prompt: Sequence[Message], completion: str, id: str = "") -> Encoded:
        """Tokenise prompt and completion; refuse a text that is longer than `max_length`."""
        prompt_text, full_text = self.render(prompt, completion)
        prompt_ids = self._ids(prompt_text)
        if not full_text.startswith(prompt_text):
            raise UserError(
                f"the chat template changes the prompt of {id!r} when an answer follows it"
            )
        # The two parts are tokenised apart: their boundary is then exact, and equal to what generation sees.
        completion_ids = self._ids(full_text[len(prompt_text) :])
        if not completion_ids or completion_ids[-1] != self.eos_id:
            completion_ids = (*completion_ids, self.eos_id)
        encoded = Encoded(id, prompt_ids, completion_ids)
        if len(encoded) > self.max_length:
            raise UserError(
                f"{id!r} has {len(encoded)} tokens, more than the context of {self.max_length}: its answer would be "
                "cut off (raise train.max_length or drop the row)"
            )
        return encoded

    def encode_prompt(self, prompt: Sequence[Message]) -> tuple[int, ...]:
        """Tokenise a prompt up to the point where the assistant's answer begins."""
        return self._ids(self.render(prompt, "")[0])

    def decode(self, ids: Sequence[int]) -> str:
        """Text of a completion, special tokens left out; exact where it continues the prompt, else stripped."""
        text = str(self.tokenizer.decode(list(ids), skip_special_tokens=True))
        return text if self.continues else text.strip()

    def render(self, prompt: Sequence[Message], completion: str) -> tuple[str, str]:
        """Text of the prompt, and of the prompt with the completion and what ends the assistant's turn."""
        if self.template != "chat":
            text = self.template.replace("{prompt}", "\n".join(m.content for m in prompt))
            return text, text + completion + self.tokenizer.eos_token
        messages = [{"role": m.role, "content": m.content} for m in prompt]
        head = self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        answer = [{"role": "assistant", "content": completion}]
        full = self.tokenizer.apply_chat_template(messages + answer, tokenize=False)
        return str(head), _up_to_eos(str(full), len(str(head)), str(self.tokenizer.eos_token))

    def _ids(self, text: str) -> tuple[int, ...]:
        # verbose: `encode` refuses a text that is too long, in its own words; transformers would warn before.
        return tuple(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def continues(template: str) -> bool:
    """Whether a completion goes on right where the prompt ends, so that the space between them is its own."""
    return template.endswith("{prompt}")


def _up_to_eos(text: str, start: int, eos: str) -> str:
    """Drop what some templates write after the turn's end-of-sequence token (a newline)."""
    end = text.rfind(eos)
    return text[: end + len(eos)] if end >= start else text


def check_template(tokenizer: Any, template: str) -> None:
    """Refuse, before any model loads, a tokenizer that cannot do what the run needs."""
    name = getattr(tokenizer, "name_or_path", "the tokenizer") or "the tokenizer"
    if tokenizer.eos_token is None:
        raise UserError(f"{name} has no end-of-sequence token")
    if tokenizer.pad_token is None:
        raise UserError(
            f"{name} has no pad token; name one with --pad-token (a token that no text contains)"
        )
    if template == "chat" and not tokenizer.chat_template:
        raise UserError(
            f"{name} has no chat template; give one: --template 'Question: {{prompt}}\\nAnswer: '"
        )
    if template != "chat" and "{prompt}" not in template:
        raise UserError(f"--template {template!r} must be 'chat' or hold {{prompt}}")


@dataclass
class TextBatch:
    """B texts as tensors, packed into P sequences of T tokens (see `suite.packing`); N: completion tokens of all."""

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
        """The sequences that the decoder reads; laid out when first asked for, since a joint pass has its own."""
        from suite.packing import pack

        return pack(self.texts, self.pad_id).to(self.device)

    @property
    def positions(self) -> Tensor:
        """(N,), where in the flattened (P * T) the hidden state that predicts each completion token stands."""
        return self.packed.positions

    @property
    def model_inputs(self) -> dict[str, Any]:
        """What the decoder is called with."""
        return {
            "input_ids": self.packed.input_ids,
            "position_ids": self.packed.position_ids,
            "attention_mask": self.packed.attention_mask,
            "use_cache": False,
        }

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
                f"per-example loss has shape {tuple(per_example.shape)}, expected ({len(self.ids)},)"
            )
        return per_example.sum() / self.step_sequences

    def token_mean(self, per_token: Tensor) -> Tensor:
        """This micro-batch's share of the mean over the step's completion tokens. Shape: (N,) -> ()."""
        if per_token.shape != self.targets.shape:
            raise ValueError(
                f"per-token loss has shape {tuple(per_token.shape)}, expected {tuple(self.targets.shape)}"
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

    `step`: sequences and completion tokens of the whole optimiser step; by default this batch is the step.
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
