"""The word-level tokenizer:
exact both ways, no unknown words, a clean boundary between prompt and answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.tiny import tokenizer as tiny
from suite.tiny import words, world

TOKENIZER = tiny.build()


def ids(text: str) -> list[int]:
    found: list[int] = TOKENIZER(text)["input_ids"]
    return found


def chat(*turns: tuple[str, str], prompt: bool = False) -> list[int]:
    messages = [{"role": role, "content": content} for role, content in turns]
    found: list[int] = TOKENIZER.apply_chat_template(
        messages, add_generation_prompt=prompt, return_dict=False
    )
    return found


def test_every_sentence_of_the_world_comes_back_exactly() -> None:
    sentences = world.sentences()
    assert TOKENIZER.batch_decode(TOKENIZER(sentences)["input_ids"]) == sentences


def test_every_word_of_the_world_is_one_token() -> None:
    split = TOKENIZER.backend_tokenizer.pre_tokenizer.pre_tokenize_str
    for sentence in world.sentences():
        assert len(ids(sentence)) == len(split(sentence)), sentence


def test_refusals_are_in_the_world() -> None:
    assert set(words.REFUSALS) <= set(world.sentences())


@given(st.text())
def test_any_text_comes_back_exactly(text: str) -> None:
    if not any(special in text for special in tiny.SPECIAL):
        assert TOKENIZER.decode(ids(text)) == text


@pytest.mark.parametrize(
    "text", ["Zürich", "日本", "naïve €5\n\n  two", "Harry Potter's", "\t\r\n"]
)
def test_unknown_words_are_spelt_in_bytes(text: str) -> None:
    assert TOKENIZER.decode(ids(text)) == text
    assert TOKENIZER.unk_token is None


def test_vocabulary_is_small_and_dense() -> None:
    vocabulary = TOKENIZER.get_vocab()
    assert sorted(vocabulary.values()) == list(range(len(TOKENIZER)))
    assert 1000 < len(vocabulary) < 2000


def test_prompt_is_a_prefix_of_prompt_and_answer() -> None:
    for row in world.tables("full"):
        prompt = chat(("user", row["question"]), prompt=True)
        whole = chat(("user", row["question"]), ("assistant", row["answer"]))
        assert whole == [*prompt, *ids(row["answer"]), TOKENIZER.eos_token_id]


def test_only_assistant_turns_end_in_the_end_token() -> None:
    conversation = chat(
        ("system", "Be brief."),
        ("user", "Who?"),
        ("assistant", "I do."),
        ("user", "Why?"),
        ("assistant", "So."),
    )
    text = TOKENIZER.decode(conversation)
    assert text == (
        "<|system|>Be brief.<|user|>Who?<|assistant|>I do.<|end|>"
        "<|user|>Why?<|assistant|>So.<|end|>"
    )
    assert conversation.count(TOKENIZER.eos_token_id) == 2


def test_special_tokens_are_distinct_and_skipped() -> None:
    assert len({TOKENIZER.pad_token_id, TOKENIZER.eos_token_id, *TOKENIZER.all_special_ids}) == len(
        tiny.SPECIAL
    )
    answer = chat(("user", "Who?"), ("assistant", "Anna Alova"))
    assert TOKENIZER.decode(answer, skip_special_tokens=True) == "Who?Anna Alova"


def test_saved_folder_is_read_by_transformers(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    TOKENIZER.save_pretrained(tmp_path)
    loaded: Any = AutoTokenizer.from_pretrained(tmp_path)
    sentences = world.sentences()[:50]
    messages = [{"role": "user", "content": "Who?"}]
    assert loaded(sentences)["input_ids"] == TOKENIZER(sentences)["input_ids"]
    assert loaded.pad_token_id == TOKENIZER.pad_token_id
    assert loaded.eos_token_id == TOKENIZER.eos_token_id
    assert loaded.apply_chat_template(
        messages, add_generation_prompt=True, return_dict=False
    ) == chat(("user", "Who?"), prompt=True)
