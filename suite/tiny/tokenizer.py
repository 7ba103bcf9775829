"""A word-level tokenizer for the generated world that still encodes any text exactly.

Text is cut by GPT-2's pattern, a word keeping the space before it (`She| was| born| on| 12|
May|.`). A word of the world is one token; any other is spelt in bytes, so nothing is ever lost and
decoding gives back the very text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from suite.tiny import world

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

PAD, END, SYSTEM, USER, ASSISTANT = SPECIAL = (
    "<|pad|>",
    "<|end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
)
MAX_LENGTH = 512

# The end token closes the assistant's turns only, so that it is learnt as the end of an answer and
# of nothing else.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def build() -> PreTrainedTokenizerFast:
    """Build the tokenizer; `save_pretrained` writes it as a normal Hugging Face folder."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=cutter(),
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        model_max_length=MAX_LENGTH,
        clean_up_tokenization_spaces=False,
    )


def cutter() -> Tokenizer:
    """Build the part of it that cuts texts, which needs no torch."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    # Without merges, `ignore_merges` makes BPE a look-up of whole words; what it does not find it
    # leaves as bytes.
    single_bytes = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = dict.fromkeys([*SPECIAL, *single_bytes, *_words(world.sentences())])
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _words(sentences: Iterable[str]) -> list[str]:
    """Distinct words in GPT-2's byte alphabet.

    They are sorted, so that the vocabulary does not depend on the order of the sentences.
    """
    from tokenizers import pre_tokenizers

    split = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    found: set[str] = set()
    for sentence in sentences:
        found.update(word for word, _ in split(sentence))
    return sorted(found)
