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
from suite.model.source import check_source, download
from suite.model.weights import context_of
from suite.store import read_json

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
            return context_of(read_json(self._path / "config.json"))
        from transformers import AutoConfig

        return context_of(AutoConfig.from_pretrained(self._path.parent, gguf_file=self._path.name))

    def ends(self, text: str) -> Sequence[int]:
        """Where each token of a text ends, in characters."""
        cut = self._tokenizer.encode(text, add_special_tokens=False)
        return [end for _, end in cut.offsets]

    @cached_property
    def _path(self) -> Path:
        """The model's folder or .gguf file. UserError: it is not there."""
        check_source(self.model)
        path = Path(self.model).expanduser()
        return path if path.exists() else download(self.model)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        if self.model == "tiny":
            from suite.tiny.tokenizer import cutter

            return cutter()
        file = self._path / "tokenizer.json"
        if file.is_file():
            from tokenizers import Tokenizer

            return Tokenizer.from_file(str(file))
        gguf = {"gguf_file": self._path.name} if self._path.is_file() else {}
        loaded = load_tokenizer(self._path.parent if gguf else self._path, **gguf)
        if not hasattr(loaded, "backend_tokenizer"):
            raise UserError(
                f"--model {self.model}: its tokenizer does not say where its tokens end, so plain "
                "texts cannot be cut into windows"
            )
        found: Tokenizer = loaded.backend_tokenizer
        return found
