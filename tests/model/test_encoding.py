"""The boundary between prompt and completion, and what is refused before a model loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite import Message, UserError
from suite.model import folder as models
from suite.model.batch import collate
from suite.model.encoding import Encoder, check_template

QUESTION = (Message("user", "Who wrote Emma?"),)


@pytest.fixture(scope="module")
def encoder(tiny_folder: Path) -> Encoder:
    return Encoder(models.load_tokenizer(tiny_folder))


def test_completion_ends_in_exactly_one_eos(encoder: Encoder) -> None:
    text = encoder.encode(QUESTION, "Jane Austen.")
    assert text.completion_ids[-1] == encoder.eos_id
    assert text.completion_ids.count(encoder.eos_id) == 1
    assert encoder.eos_id not in text.prompt_ids


@given(answer=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40))
def test_prompt_is_what_generation_sees_and_answer_round_trips(
    encoder: Encoder, answer: str
) -> None:
    text = encoder.encode(QUESTION, answer)
    assert text.prompt_ids == encoder.encode_prompt(QUESTION)
    assert encoder.decode(text.completion_ids) == answer.strip()


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_length": 12}, r"more than the context of 12 \(raise train.max_length or drop"),
        (
            {"max_length": 12, "setting": "finetune.max_length"},
            r"more than the context of 12 \(raise finetune.max_length or drop the row\)",
        ),
        # Raised as far as it will go: to raise it further would not help.
        (
            {"max_length": 9999, "context": 16},
            r"more than the model's own context of 16 \(drop the row or take another model\)",
        ),
    ],
)
def test_a_text_longer_than_the_context_is_refused_by_name(
    tiny_folder: Path, limits: dict[str, Any], said: str
) -> None:
    encoder = Encoder(models.load_tokenizer(tiny_folder), **limits)
    with pytest.raises(UserError, match=rf"^'full/7' has \d+ tokens, {said}"):
        encoder.encode(QUESTION, "word " * 50, "full/7")


def test_plain_template(tiny_folder: Path) -> None:
    encoder = Encoder(models.load_tokenizer(tiny_folder), "Question: {prompt}\nAnswer: ")
    prompt, full = encoder.render(QUESTION, "Jane.")
    assert prompt == "Question: Who wrote Emma?\nAnswer: "
    assert full == prompt + "Jane." + encoder.tokenizer.eos_token


@pytest.mark.parametrize(
    ("change", "template", "message"),
    [
        ({"pad_token": None}, "chat", "no pad token; name one with --pad-token"),
        ({"chat_template": None}, "chat", "no chat template; give one: --template"),
        ({"eos_token": None}, "chat", "no end-of-sequence token"),
        ({}, "no placeholder", r"must be 'chat' or hold \{prompt\}"),
    ],
)
def test_tokenizers_that_cannot_do_it_are_refused(
    tiny_folder: Path, change: dict[str, None], template: str, message: str
) -> None:
    tokenizer = models.load_tokenizer(tiny_folder)
    for name, value in change.items():
        setattr(tokenizer, name, value)
    with pytest.raises(UserError, match=message):
        check_template(tokenizer, template)


def test_collate_counts_only_completions(encoder: Encoder) -> None:
    texts = [
        encoder.encode(QUESTION, answer, answer) for answer in ("Jane.", "Jane Austen, in May.")
    ]
    batch = collate(texts, pad_id=0, step=(10, 100))
    assert batch.lengths.tolist() == [len(t.completion_ids) for t in texts]
    assert batch.targets.tolist() == [i for t in texts for i in t.completion_ids]
    flat = batch.packed.input_ids.flatten()
    assert flat[batch.positions + 1].tolist() == batch.targets.tolist()
    assert batch.mean(batch.lengths.float()).item() == pytest.approx(
        sum(batch.lengths.tolist()) / 10
    )
    assert batch.token_mean(batch.targets.float()).item() == pytest.approx(
        sum(batch.targets.tolist()) / 100
    )
    with pytest.raises(ValueError, match="per-example loss has shape"):
        batch.mean(batch.targets.float())


def test_a_space_at_the_end_of_a_template_is_warned_of_and_not_proposed(
    tiny_folder: Path,
) -> None:
    tokenizer = models.load_tokenizer(tiny_folder)
    with pytest.warns(UserWarning, match="ends in a space"):
        check_template(tokenizer, "Question: {prompt} Answer: ")
    tokenizer.chat_template = None
    with pytest.raises(UserError, match="give one: --template") as refused:
        check_template(tokenizer, "chat")
    proposed = str(refused.value).partition("--template '")[2].removesuffix("'")
    check_template(tokenizer, proposed)  # warnings are errors in tests
    text = Encoder(tokenizer, proposed.replace("\\n", "\n")).encode(QUESTION, "Jane Austen.")
    assert tokenizer.decode(text.completion_ids).startswith(" Jane")


def test_a_text_that_is_asked_of_every_checkpoint_is_cut_once(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder(models.load_tokenizer(tiny_folder))
    cut: list[str] = []
    ids = encoder.spelling.ids
    monkeypatch.setattr(encoder.spelling, "ids", lambda text: cut.append(text) or ids(text))
    first = encoder.encode(QUESTION, "Jane Austen.", "full/7")
    once = len(cut)
    assert encoder.encode(QUESTION, "Jane Austen.", "full/7") == first
    assert len(cut) == once > 0
    assert encoder.encode(QUESTION, "Mary Shelley.", "full/7") != first
