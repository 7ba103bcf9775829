"""The stage `base`: the embedded model's random weights, or a model brought to the form of a model folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from suite.model import folder as models

if TYPE_CHECKING:
    from pathlib import Path

    from suite.core.progress import Progress
    from suite.store import Build


def build_tiny(build: Build) -> None:
    """Write the embedded model with random weights, and its tokenizer."""
    from suite.tiny.model import initial_model
    from suite.tiny.tokenizer import build as build_tokenizer

    tokenizer = build_tokenizer()
    models.save_model(initial_model(tokenizer, seed=0), tokenizer, build.out)


def importing(
    source: Path, pad_token: str | None, template: str, progress: Progress
) -> Callable[[Build], None]:
    """Bring the model in `source` (folder or .gguf file) to the form of a model folder."""

    def build(build: Build) -> None:
        with progress.task(f"import {source.name}", 1) as bar:
            models.import_base(source, build.out, pad_token, template)
            bar.advance()

    return build
