"""Every family with its kind of tokenizer, chat and plain: the table of docs/models.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from suite import Generate, Message
from suite.engines.hf.engine import HFEngine
from suite.model import folder as models
from suite.model.agreement import own_logps
from suite.model.batch import collate
from suite.model.encoding import Encoder
from suite.model.layout import ANY_LENGTH, declared_window
from suite.model.logprobs import LMPolicy
from tests.model.families import FAMILIES
from tests.model.families import build as build_model
from tests.model.templates import TEMPLATES, of_family
from tests.model.test_spelling import PLAIN
from tests.model.tokenizers import build as build_tokenizer

KIND_OF = {
    **dict.fromkeys(("llama2", "mistral", "phi3"), "sentencepiece bpe"),
    **dict.fromkeys(("gemma", "gemma2", "gemma3"), "sentencepiece bpe, no space"),
    "granite": "unigram",
    "cohere": "wordpiece",
}
"""The tokenizer of each family, byte-level BPE by default; the last two for the other kinds."""
ANSWERS = ("she was born", "in may")
QUESTIONS = ((Message("user", "where was she born ?"),), (Message("user", "who"),))


@pytest.fixture(params=FAMILIES)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Path]:
    """A folder of the family, with the kind of tokenizer that falls to it."""
    family = request.param
    tokenizer = build_tokenizer(KIND_OF.get(family, "byte-level bpe"))
    chat = of_family(family)
    tokenizer.add_special_tokens({"additional_special_tokens": list(chat.tokens)})
    tokenizer.chat_template = chat.text
    # Ten rows of padding beyond the tokenizer, as many published models have.
    model = build_model(family, vocab_size=len(tokenizer) + 10)
    models.save_model(model, tokenizer, tmp_path)
    return tokenizer, tmp_path


@pytest.mark.parametrize("template", ["chat", PLAIN])
def test_a_family(made: tuple[Any, Path], template: str, tmp_path: Path) -> None:
    tokenizer, folder = made
    encoder = Encoder(models.load_tokenizer(folder), template)
    pairs = zip(QUESTIONS, ANSWERS, strict=True)
    texts = [encoder.encode(q, a, a) for q, a in pairs]
    chat = next(c for c in TEMPLATES.values() if c.text == tokenizer.chat_template)
    bos, end = (chat.bos, chat.end) if template == "chat" else (1, "</s>")
    assert encoder.end == end
    for text, question, answer in zip(texts, QUESTIONS, ANSWERS, strict=True):
        assert text.prompt_ids == encoder.encode_prompt(question)
        assert text.prompt_ids.count(tokenizer.bos_token_id) == bos
        assert not bos or text.prompt_ids[0] == tokenizer.bos_token_id
        assert text.completion_ids.count(encoder.eos_id) == 1
        assert text.completion_ids[-1] == encoder.eos_id
        assert encoder.decode(text.completion_ids) == answer
        if template == "chat":
            assert encoder.render(question, answer)[0].endswith(chat.before)

    model = models.load_model(folder)
    batch = collate(texts, tokenizer.pad_token_id)
    ours, own = LMPolicy(model)(batch).token_logps, [own_logps(model, text) for text in texts]
    torch.testing.assert_close(ours, torch.cat(own), rtol=1e-4, atol=1e-4)

    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    (-ours.mean()).backward()
    optimizer.step()
    (tmp_path / "trained").mkdir()
    models.save_model(model, tokenizer, tmp_path / "trained")
    trained = models.load_model(tmp_path / "trained")
    with torch.no_grad():
        before, after = (LMPolicy(m)(collate(texts, 0)).token_logps for m in (model, trained))
    assert torch.equal(before, after)
    assert not torch.equal(before, ours)


def test_the_table_of_the_documentation_names_every_family_and_no_other() -> None:
    """One line or more families; what is said of windows is what the small models have."""
    page = Path(__file__).parents[2] / "docs" / "models.md"
    lines = page.read_text(encoding="utf-8").partition("| family |")[2].split("\n\n")[0]
    named: dict[str, str] = {}
    for line in lines.splitlines()[2:]:
        first, scored = line.split("|")[1:3]
        for name in re.sub(r"\(.*?\)", "", first).split(","):
            named[re.sub(r"[ -]", "", name.lower())] = scored
    known = {
        family.replace("_", ""): declared_window(build_model(family).config) for family in FAMILIES
    }
    assert named.keys() == known.keys()
    for family, scored in named.items():
        assert ("a row each" in scored) == (known[family] < ANY_LENGTH), family


@pytest.mark.parametrize("template", ["chat", PLAIN])
def test_greedy_generation_is_generate(made: tuple[Any, Path], template: str) -> None:
    tokenizer, folder = made
    engine = HFEngine("cpu", "float32", template)
    engine.load(folder)
    requests = [Generate(str(i), q, max_new_tokens=6) for i, q in enumerate(QUESTIONS)]
    beyond = list(range(len(tokenizer), engine.model.config.vocab_size))
    for request, response in zip(requests, engine.respond(requests), strict=True):
        prompt = torch.tensor([engine.encoder.encode_prompt(request.prompt)])
        output = engine.model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=False,
            max_new_tokens=6,
            eos_token_id=sorted(engine.eos_ids),
            pad_token_id=tokenizer.pad_token_id,
            suppress_tokens=beyond,
        )[0, prompt.shape[1] :]
        assert response.texts[0] == engine.encoder.decode(output.tolist())
