"""What models of one comparison must share: their architecture, and how they read texts.

Read from the files beside the weights, while a run is planned: nothing is loaded, and transformers
is not imported. What a kind of file does not say (None) is not compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.core.errors import UserError
from suite.model.source import adapter_base

SIZES = {
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "intermediate_size": "feed_forward_length",
}
"""Sizes of an architecture: their names in config.json, and in a .gguf file."""
OTHER_SIZES = ("model_type", "n_embd", "n_layer", "n_head", "n_inner", "vocab_size")
SPELLING = ("normalizer", "pre_tokenizer")
"""Parts of tokenizer.json that say how a text is cut, beside the vocabulary."""


@dataclass(frozen=True)
class Likeness:
    """What is known of a model without loading it."""

    sizes: Mapping[str, Any]
    vocabulary: Mapping[str, int] | None = None
    """Token -> id."""
    spelling: Any = None
    """How texts are cut."""
    template: str | None = None
    """The chat template."""
    files: Mapping[str, bytes] | None = None
    """The tokenizer's other files, where there is no tokenizer.json."""

    def differs(self, other: Likeness, *, chat: bool) -> str:
        """Why this model cannot be compared with another; "" if it can.

        `chat`: the run uses the chat template.
        """
        for name in self.sizes.keys() & other.sizes.keys():
            if self.sizes[name] != other.sizes[name]:
                return (
                    f"another architecture ({name} {self.sizes[name]!r}, not {other.sizes[name]!r})"
                )
        token = _other_token(self.vocabulary or {}, other.vocabulary or {})
        if token:
            return f"another vocabulary ({token})"
        if _differ(self.spelling, other.spelling) or _differ(self.files, other.files):
            return "another tokenizer"
        if chat and _differ(self.template, other.template):
            return "another chat template"
        return ""


def _differ(own: Any, other: Any) -> bool:
    return own is not None and other is not None and own != other


def _other_token(own: Mapping[str, int], other: Mapping[str, int]) -> str:
    """The first token that both have under different ids, or that the smaller has alone."""
    small, large = sorted((own, other), key=len)
    for token, number in small.items():
        if large.get(token) != number:
            return f"token {token!r} is {own.get(token)}, not {other.get(token)}"
    return ""


def likeness_of(source: Path) -> Likeness:
    """Read a model's files: a folder, an adapter folder (what it lacks is its base's), a .gguf."""
    if source.is_file():
        return _of_gguf(source)
    base = adapter_base(source)
    if base is None:
        return _of_folder(source, source)
    # The base of a hub adapter is found when it is imported; its sizes are not known before.
    if not Path(base).exists():
        return Likeness({})
    if Path(base).is_file():
        return _of_gguf(Path(base))
    own = source if (source / "tokenizer_config.json").is_file() else Path(base)
    return _of_folder(Path(base), own)


def layers_of(source: Path) -> int | None:
    """The number of a model's decoder layers; None where its files do not say."""
    sizes = likeness_of(source).sizes
    found = sizes.get("num_hidden_layers", sizes.get("n_layer"))
    return found if isinstance(found, int) else None


def _of_folder(folder: Path, tokenizer: Path) -> Likeness:
    config = _json(folder / "config.json")
    inner = config.get("text_config") or {}
    sizes = {}
    for name in (*SIZES, *OTHER_SIZES):
        value = config.get(name, inner.get(name))
        if value is not None:
            sizes[name] = value
    known = _json(tokenizer / "tokenizer.json")
    files: dict[str, bytes] = {}
    for name in ("tokenizer.model", "vocab.json", "merges.txt", "spiece.model"):
        if not known and (tokenizer / name).is_file():
            files[name] = (tokenizer / name).read_bytes()
    spelling = [known.get(part) for part in SPELLING] if known else None
    return Likeness(sizes, _vocabulary(known), spelling, _template(tokenizer), files or None)


def _json(path: Path) -> dict[str, Any]:
    """A file's object; {} without the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None
    return content if isinstance(content, dict) else {}


def _vocabulary(known: Mapping[str, Any]) -> dict[str, int] | None:
    """Token -> id of a tokenizer.json; of a unigram model by place."""
    if not known:
        return None
    tokens = known.get("model", {}).get("vocab", {})
    if isinstance(tokens, list):
        tokens = {entry[0]: place for place, entry in enumerate(tokens)}
    added = {each["content"]: each["id"] for each in known.get("added_tokens", ())}
    return {**tokens, **added}


def _template(folder: Path) -> str | None:
    """The chat template's text, wherever the folder keeps it; "" if it has none."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    found = _json(folder / "tokenizer_config.json").get("chat_template")
    return "" if found is None else found if isinstance(found, str) else json.dumps(found)


def _of_gguf(file: Path) -> Likeness:
    """What the header of a .gguf file says."""
    from gguf import GGUFReader

    try:
        fields = GGUFReader(str(file)).fields
        architecture = fields["general.architecture"].contents()
        sizes = {}
        for name, there in SIZES.items():
            if found := fields.get(f"{architecture}.{there}"):
                sizes[name] = found.contents()
        tokens = fields["tokenizer.ggml.tokens"].contents()
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise UserError(f"{file}: not readable as a GGUF file ({error})") from None
    return Likeness(sizes, {token: place for place, token in enumerate(tokens)})
