"""The stage `reference`: what the frozen start model says of training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suite.api.placement import Placement
from suite.api.stages import builds
from suite.model.folder import load_encoder
from suite.stages.handles import folder_of
from suite.train.encoded import encode_rows, texts_of

if TYPE_CHECKING:
    from suite.stages.context import Context
    from suite.store import Build


@builds("reference")
def score_rows(build: Build, context: Context) -> None:
    """Score training rows under the model in the input `model`."""
    from suite.model import reference
    from suite.model.compact import load_compact
    from suite.model.hardware import autocast

    spec = build.spec
    folder = folder_of(build.inputs["model"], spec["epoch"])
    encoder = load_encoder(folder, spec["template"], spec["max_length"])
    texts = texts_of(encode_rows(context.rows(build, spec["role"] or "", spec["rows"]), encoder))
    longest = spec["max_length"]
    weights, dtype = spec["weights"], spec["dtype"]
    placement = Placement(context.device)
    model = load_compact(folder, weights, placement, texts[:2], longest, dtype)
    precision = autocast(dtype, context.device)
    with context.progress.task("reference log-probabilities", len(texts), "text") as bar:
        tensors = reference.compute(
            model,
            texts,
            precision,
            hidden=spec["hidden"],
            pad_id=encoder.tokenizer.pad_token_id,
            advance=bar.advance,
        )
    reference.save(tensors, build.out)
