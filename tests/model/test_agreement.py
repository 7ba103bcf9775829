"""The check at the start of a run: it passes on every family, and fails loudly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from suite import UserError
from suite.api.data import Encoded
from suite.model import agreement, attention, layout
from suite.model import folder as models
from suite.model.hardware import ATTENTION
from tests.model.families import FAMILIES, build

TEXTS = [Encoded("a", (3, 4, 5), (6, 7, 2)), Encoded("b", (3, 4), (8, 2))]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_passes(family: str) -> None:
    agreement.check_agreement(build(family), TEXTS, 512)


def test_a_mask_that_forgets_the_window_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("mistral")
    # As if its layers masked by a window that nothing of the configuration says.
    monkeypatch.setattr(layout, "declared_window", lambda config: layout.ANY_LENGTH)
    long = Encoded("long", tuple(range(3, 40)), tuple(range(40, 60)))
    with pytest.raises(UserError, match=r"differ by up to .* nats from the model's own") as refused:
        agreement.check_agreement(model, [long, TEXTS[0]], 512)
    assert "\n" not in str(refused.value)


def test_an_architecture_that_takes_no_mask_of_ours_gets_a_row_a_text() -> None:
    model = build("llama2")
    decoder = model.model
    own = decoder.forward

    def two_dimensional(*args: Any, attention_mask: Any = None, **kwargs: Any) -> Any:
        if attention_mask is not None and attention_mask.dim() != 2:
            raise ValueError("masks have two dimensions here")
        return own(*args, attention_mask=attention_mask, **kwargs)

    decoder.forward = two_dimensional
    assert layout.window_of(model) == 0
    agreement.check_agreement(model, TEXTS, 512)


def test_a_window_that_no_setting_names_is_found_with_short_data() -> None:
    """The decoder masks by a window of its own making, and our packed mask takes its place."""
    model = build("llama2")
    decoder = model.model
    own = decoder.forward

    def windowed(*args: Any, attention_mask: Any = None, **kwargs: Any) -> Any:
        if attention_mask is None:
            steps = torch.arange(kwargs["input_ids"].shape[1])
            distance = steps[:, None] - steps
            unseen = (distance < 0) | (distance >= 40)
            attention_mask = torch.zeros(unseen.shape).masked_fill(unseen, -1e9)[None, None]
        return own(*args, attention_mask=attention_mask, **kwargs)

    decoder.forward = windowed
    agreement.check_agreement(model, TEXTS, 30)  # no text of this run is longer
    for texts in (TEXTS, ()):
        with pytest.raises(UserError, match=r"differ by up to .* nats from the model's own"):
            agreement.check_agreement(model, texts, 512)


@pytest.mark.parametrize(
    ("family", "longest", "length"),
    [
        ("mistral", 512, 8 + agreement.PROBE),  # beyond the window
        ("mistral", 10, 10),
        ("llama2", 512, 256),  # no longer than the model's context
        ("gpt2", 10**6, 256),
        ("llama2", 64, 64),
        ("llama2", 0, 0),
    ],
)
def test_how_long_the_made_text_is(family: str, longest: int, length: int) -> None:
    assert agreement._made_length(build(family), longest) == length


def test_an_attention_kernel_that_leaves_out_a_cap_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Our kernel serves the model's usual forward too: only its own attention shows the fault."""
    build("gemma2").save_pretrained(tmp_path)
    model = models.load_model(tmp_path)
    agreement.check_agreement(model, TEXTS, 512)
    assert model.config._attn_implementation == ATTENTION  # as before the check
    whole = attention.products

    def uncapped(*args: Any, softcap: float | None = None, **kwargs: Any) -> torch.Tensor:
        return whole(*args, **kwargs)

    monkeypatch.setattr(attention, "products", uncapped)
    with pytest.raises(UserError, match=r"differ by up to .* nats from the model's own"):
        agreement.check_agreement(model, TEXTS, 512)


def test_a_model_whose_parts_have_other_names_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = build("llama2")
    monkeypatch.setattr(type(model), "base_model_prefix", "language_model")
    with pytest.raises(UserError, match=r"^LlamaForCausalLM is built unlike other models \("):
        agreement.check_agreement(model, TEXTS, 64)


def test_the_made_text_is_made_of_tokens() -> None:
    model = build("gpt2")
    made = agreement._made(model, 300)
    assert max(made.prompt_ids + made.completion_ids) < model.config.vocab_size
    assert len(set(made.prompt_ids)) > 50
    assert torch.isfinite(agreement.own_logps(build("opt"), TEXTS[0])).all()
