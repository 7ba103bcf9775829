"""Chat templates as models bring them: `cases/*.jinja` of the real data, on the embedded
tokenizer."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from suite import Message, UserError
from suite.model import limits
from suite.model.chat import keep_date, steady
from suite.model.encoding import Encoder
from suite.model.folder import load_tokenizer
from suite.tiny.tokenizer import build
from tests.model.templates import TEMPLATES
from tests.model.tokenizers import build as build_small

QUESTION = (Message("user", "Where was she born?"),)
THOUGHT = "<|user|>Where was she born?<|assistant|><think>\n\n</think>\n\n"


def encoder(template: str) -> Encoder:
    tokenizer = build()
    tokenizer.chat_template = template
    return Encoder(tokenizer)


@pytest.fixture
def case(shared: Path) -> Any:
    return lambda name: (shared / "cases" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "prompt", "end"),
    [
        ("turn_end", "<|user|>Where was she born?<|system|>\n<|assistant|>", "<|system|>"),
        ("empty_think", THOUGHT, "<|end|>"),
        ("think_prompt", THOUGHT, "<|end|>"),
        (
            "dated_system",
            "<|system|>Today is 26 Jul 2024.<|user|>Where was she born?<|assistant|>",
            "<|end|>",
        ),
    ],
)
def test_prompt_answer_and_end_of_each_form(case: Any, name: str, prompt: str, end: str) -> None:
    reads = encoder(case(f"{name}.jinja"))
    assert reads.render(QUESTION, "In Dunstad.") == (prompt, prompt + "In Dunstad." + end)
    text = reads.encode(QUESTION, "In Dunstad.")
    assert text.prompt_ids == reads.encode_prompt(QUESTION)
    assert reads.tokenizer.decode(text.completion_ids) == "In Dunstad." + end
    assert text.completion_ids[-1] == reads.eos_id


@pytest.mark.parametrize("name", ["empty_think", "think_prompt"])
@pytest.mark.parametrize("answer", ["", "<b>In</b> Dunstad.", "<thanks>", "a </think> b", " In."])
def test_any_answer_follows_the_block_of_thoughts(case: Any, name: str, answer: str) -> None:
    reads = encoder(case(f"{name}.jinja"))
    assert reads.render(QUESTION, answer) == (THOUGHT, f"{THOUGHT}{answer}<|end|>")


@pytest.mark.parametrize("name", ["empty_think", "think_prompt"])
def test_an_answer_with_thoughts_of_its_own_is_refused_by_name(case: Any, name: str) -> None:
    with pytest.raises(UserError, match=r"the answer of 'row/1' has thoughts of its own"):
        encoder(case(f"{name}.jinja")).encode(QUESTION, "<think>\nSo.\n</think>\n\nIn.", "row/1")


def test_the_day_of_a_template_is_that_of_its_folder(case: Any, tmp_path: Path) -> None:
    tokenizer = build()
    tokenizer.chat_template = case("dated_system.jinja")
    tokenizer.save_pretrained(tmp_path / "one")
    keep_date(tmp_path / "one", "2025-12-31")
    load_tokenizer(tmp_path / "one").save_pretrained(tmp_path / "two")
    reads = Encoder(load_tokenizer(tmp_path / "two"))
    assert reads.chat.asks_date
    assert "Today is 31 Dec 2025." in reads.render(QUESTION, "x")[0]
    reads.tokenizer.chat_template = "{{ date_string }}{{ messages[0].content }}"
    assert Encoder(reads.tokenizer).render(QUESTION, "")[0].startswith("31 Dec 2025")
    assert not encoder(case("turn_end.jinja")).chat.asks_date


def test_other_programs_read_the_run_s_day_and_are_stopped(
    case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = build()
    tokenizer.chat_template = case("dated_system.jinja")
    tokenizer.save_pretrained(tmp_path)
    keep_date(tmp_path, "2025-12-31")
    known = load_tokenizer(tmp_path)
    turns = [{"role": "user", "content": "Where?"}]
    steady(known)
    assert "31 Dec 2025" in known.apply_chat_template(turns, tokenize=False)
    monkeypatch.setattr(limits, "SECONDS", 0.5)
    known.chat_template = (
        "{% for a in range(9**5) %}{% for b in range(9**5) %}{% endfor %}{% endfor %}"
    )
    with pytest.raises(UserError, match="template was stopped"):
        known.apply_chat_template(turns, tokenize=False)


def test_turns_of_one_role_are_joined_or_refused_with_their_row(case: Any) -> None:
    reads = encoder(case("alternating_roles.jinja"))
    twice = (Message("user", "Hello."), Message("user", "Who was born there?"))
    assert (
        reads.render(twice, "A nurse.")[0] == "<|user|>Hello.\n\nWho was born there?<|assistant|>"
    )
    begun = (Message("assistant", "I am here."), Message("user", "Good."))
    with pytest.raises(UserError, match=r"^'row/3': .*roles must alternate") as refused:
        reads.encode(begun, "Yes.", "row/3")
    assert "\n" not in str(refused.value)


def test_text_that_spells_a_control_token_stays_text(case: Any) -> None:
    reads = Encoder(build())
    for line in case("control_tokens.jsonl").splitlines():
        row = json.loads(line)
        text = reads.encode((Message("user", row["prompt"]),), row["completion"])
        assert text.completion_ids.count(reads.eos_id) == 1
        assert reads.eos_id not in text.prompt_ids
        assert reads.tokenizer.decode(text.prompt_ids) == f"<|user|>{row['prompt']}<|assistant|>"
        assert reads.decode(text.completion_ids) == row["completion"]
        assert reads.spells(row["prompt"]) or reads.spells(row["completion"])


def test_an_answer_that_brings_its_end_has_one(case: Any) -> None:
    row = json.loads(case("eos_in_answer.jsonl"))
    reads = Encoder(build())
    text = reads.encode((Message("user", row["prompt"]),), row["completion"])
    assert text.completion_ids.count(reads.eos_id) == 1


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(9**5) %}{% for b in range(9**5) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x='abcdefgh') %}"
        "{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    ],
)
def test_a_template_without_end_is_stopped(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 1.0)
    start = time.monotonic()
    with pytest.raises(UserError, match="template was stopped"):
        encoder(template).encode(QUESTION, "x")
    assert time.monotonic() - start < 60  # on a busy machine; some seconds on a free one


def test_a_broken_template_is_one_line() -> None:
    with pytest.raises(UserError, match="the chat template refuses these turns"):
        encoder("{% for %}").encode(QUESTION, "x")


@pytest.mark.parametrize("name", TEMPLATES)
def test_prompt_and_end_with_each_family_s_template(name: str) -> None:
    """The turns before the last stay whole, and a system message is placed or refused."""
    chat = TEMPLATES[name]
    tokenizer = build_small("byte-level bpe")
    tokenizer.add_special_tokens({"additional_special_tokens": list(chat.tokens)})
    tokenizer.chat_template = chat.text
    reads = Encoder(tokenizer)
    turns = (Message("user", "who"), Message("assistant", "she"), Message("user", "where"))
    prompt, full = reads.render(turns, "in may")
    assert prompt.endswith(chat.before)
    assert full.endswith((f"in may{chat.end}", f"in may {chat.end}"))
    assert full.startswith(prompt)
    assert prompt.count(chat.end) == full.count(chat.end) - 1
    text = reads.encode(turns, "in may")
    assert reads.decode(text.completion_ids) == "in may"
    assert text.completion_ids.count(reads.eos_id) == 1
    if name in ("gemma", "mistral"):
        with pytest.raises(UserError, match=r"^'row': the chat template refuses these turns \("):
            reads.encode((Message("system", "Be brief."), *turns), "in may", "row")
    elif name == "chatml":
        assert "You are helpful." in prompt
        assert "helpful" not in reads.render((Message("system", "Be brief."), *turns), "x")[0]
