"""Boundary, BOS and spelled control tokens with each kind of tokenizer that models have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite import Message
from suite.model.encoding import Encoder
from suite.model.folder import load_tokenizer
from suite.model.spelling import Spelling
from tests.model.tokenizers import KINDS, build

QUESTION = (Message("user", "where was she born ?"),)
PLAIN = "question: {prompt}\nanswer:"
LLAMA2 = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}"
    "{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}"
    "{{ ' ' + m.content + ' ' + eos_token }}{% endif %}{% endfor %}"
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("template", [PLAIN, "chat", "{prompt}"])
def test_the_boundary_is_that_of_the_whole_text(kind: str, template: str) -> None:
    tokenizer = build(kind)
    tokenizer.chat_template = LLAMA2
    reads = Encoder(tokenizer, template)
    completion = " she was born" if template == "{prompt}" else "she was born"
    text = reads.encode(QUESTION, completion)
    assert text.prompt_ids == reads.encode_prompt(QUESTION)
    whole = reads.render(QUESTION, completion)[1]
    own = tokenizer(whole, add_special_tokens=False)["input_ids"]
    if own[:1] != [tokenizer.bos_token_id]:
        own = [tokenizer.bos_token_id, *own]
    assert [*text.prompt_ids, *text.completion_ids] == own
    assert text.prompt_ids.count(tokenizer.bos_token_id) == 1
    assert text.completion_ids[-1] == tokenizer.eos_token_id
    assert reads.decode(text.completion_ids).strip() == "she was born"


@pytest.mark.parametrize("kind", KINDS)
def test_a_spelled_token_becomes_letters_in_its_place(kind: str) -> None:
    tokenizer = build(kind)
    reads = Encoder(tokenizer, PLAIN)
    text = reads.encode(QUESTION, "she </s> was")
    assert text.completion_ids.count(tokenizer.eos_token_id) == 1
    assert text.completion_ids[-1] == tokenizer.eos_token_id


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("sentencepiece bpe", "LlamaTokenizer"),
        ("sentencepiece bpe, no space", "GemmaTokenizer"),
        ("byte-level bpe", "GPT2Tokenizer"),
        ("byte-level bpe", "Qwen2Tokenizer"),
        ("byte-level bpe", "GPTNeoXTokenizer"),
    ],
)
@pytest.mark.parametrize("template", [PLAIN, "chat"])
def test_the_families_own_tokenizer_classes(
    kind: str, name: str, template: str, tmp_path: Path
) -> None:
    """transformers builds these from vocabulary and merges, and not from tokenizer.json alone."""
    built = build(kind)
    built.chat_template = LLAMA2
    built.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"tokenizer_class": name}))
    (tmp_path / "config.json").write_text("{}")
    tokenizer = load_tokenizer(tmp_path)
    assert type(tokenizer).__name__ == name
    reads = Encoder(tokenizer, template)
    text = reads.encode(QUESTION, "she was born")
    assert text.prompt_ids == reads.encode_prompt(QUESTION)
    puts_bos = tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
    assert text.prompt_ids.count(tokenizer.bos_token_id) == (puts_bos or template == "chat")
    assert text.completion_ids[-1] == tokenizer.eos_token_id
    assert text.completion_ids.count(tokenizer.eos_token_id) == 1
    assert reads.decode(text.completion_ids) == "she was born"


def test_an_answer_that_continues_a_word_gets_no_space_of_its_own() -> None:
    tokenizer = build("sentencepiece bpe")
    text = Encoder(tokenizer, "{prompt}").encode((Message("user", "sh"),), "e was born")
    pieces = tokenizer.convert_ids_to_tokens(list(text.completion_ids))
    assert pieces[0] == "e"


def test_hidden_and_shown_are_inverse() -> None:
    spelling = Spelling(build("byte-level bpe"))
    text = "a <s> b </s></s>"
    assert spelling.shown(spelling.hidden(text)) == text
    assert "<" not in spelling.hidden(text)
    assert spelling.spells(text)
    assert not spelling.spells("a <b> c")
