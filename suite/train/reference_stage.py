"""The stage `reference`: what the frozen start model says of training rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from suite.model.folder import load_encoder
from suite.stages.rows import rows_of
from suite.train.encoded import encode_rows, texts_of

if TYPE_CHECKING:
    from suite.settings import TrainConfig
    from suite.stages.context import Context
    from suite.stages.handles import Model
    from suite.stages.rows import Rows
    from suite.store import Build


def referencing(
    context: Context, start: Model, rows: Rows, config: TrainConfig, hidden: bool
) -> Callable[[Build], None]:
    """Score training rows under the starting model."""

    def build(build: Build) -> None:
        from suite.model import folder as models
        from suite.model import reference
        from suite.model.hardware import autocast

        folder = start.folder(build.inputs["model"])
        encoder = load_encoder(folder, context.config.template, config.max_length)
        texts = texts_of(encode_rows(rows_of(rows, build), encoder))
        model = models.load_model(folder).to(context.device)
        with context.progress.task("reference log-probabilities", len(texts), "text") as bar:
            tensors = reference.compute(
                model, texts, autocast(context.dtype, context.device), hidden=hidden,
                pad_id=encoder.tokenizer.pad_token_id, advance=bar.advance,
            )  # fmt: skip
        reference.save(tensors, build.out)

    return build
