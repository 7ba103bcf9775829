"""How a model's tokenizer cuts texts, for what must be known before any model is loaded.

    tokens = ModelTokens("models/mine")
    tokens.ends("Born in Rome.")    [4, 7, 12, 13]
    tokens.context                  8192

Nothing is read until it is asked. A folder with a tokenizer.json needs no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from suite.core.errors import UserError
from suite.model.folder import load_tokenizer
from suite.model.source import adapter_base, check_source, download
from suite.model.weights import configuration, context_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class ModelTokens:
    """The tokenizer of a hub model, a folder, a .gguf file or `tiny`; implements `Tokens`."""

    def __init__(self, model: str) -> None:
        self.model = model

    @cached_property
    def context(self) -> int:
        """Most tokens that the model reads at once."""
        if self.model == "tiny":
            from suite.tiny.tokenizer import MAX_LENGTH

            return MAX_LENGTH
        if self._path.is_dir():
            return context_of(configuration(self._path))
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(
            self._path.parent, gguf_file=self._path.name, trust_remote_code=False
        )
        return context_of(config)

    def ends(self, text: str) -> Sequence[int]:
        """Where each token of a text ends, in characters."""
        cut = self._tokenizer.encode(text, add_special_tokens=False)
        return [end for _, end in cut.offsets]

    @cached_property
    def _given(self) -> Path:
        """What is named: a folder (of adapters, too) or a .gguf file. UserError: not there."""
        check_source(self.model)
        return _found(self.model)

    @cached_property
    def _path(self) -> Path:
        """The model's folder or .gguf file; of adapters, their base's."""
        base = adapter_base(self._given) if self._given.is_dir() else None
        return self._given if base is None else _found(base)

    @property
    def _of_tokenizer(self) -> Path:
        """The tokenizer's folder, or the .gguf file that holds it; adapters may bring their own."""
        has_own = (self._given / "tokenizer_config.json").is_file()
        return self._given if has_own else self._path

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        if self.model == "tiny":
            from suite.tiny.tokenizer import cutter

            return cutter()
        path = self._of_tokenizer
        file = path / "tokenizer.json"
        if file.is_file():
            from tokenizers import Tokenizer

            return Tokenizer.from_file(str(file))
        gguf = {"gguf_file": path.name} if path.is_file() else {}
        loaded = load_tokenizer(path.parent if gguf else path, **gguf)
        if not hasattr(loaded, "backend_tokenizer"):
            raise UserError(
                f"--model {self.model}: its tokenizer does not say where its tokens end, so plain "
                "texts cannot be cut into windows"
            )
        found: Tokenizer = loaded.backend_tokenizer
        return found


def _found(model: str) -> Path:
    path = Path(model).expanduser()
    return path if path.exists() else download(model)
