"""The stage `kl`: how far a model's sampled answers are from the start model: kl.jsonl."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from suite.core.errors import UserError
from suite.model.folder import load_encoder
from suite.stages.responses import read_responses
from suite.store import JsonlWriter

if TYPE_CHECKING:
    from suite.api.requests import Request, Response
    from suite.model.encoding import Encoder
    from suite.stages.context import Context
    from suite.stages.handles import Model
    from suite.store import Build


def diverging(
    context: Context, model: Model, reference: Model, requests: Sequence[Request], label: str
) -> Callable[[Build], None]:
    """Measure the sequence KL(model || reference) of the model's sampled answers: kl.jsonl, one line a request."""

    def build(build: Build) -> None:
        from suite.model import folder as models
        from suite.model.hardware import autocast
        from suite.model.kl import sequence_kl

        folder = model.folder(build.inputs["model"])
        encoder = load_encoder(folder, context.config.template, context.config.train.max_length)
        responses = read_responses(build.inputs["responses"])
        rows = [
            row
            for request in requests
            if request.temperature > 0
            for row in _drawn(request, responses, encoder)
        ]
        policy, frozen = (
            models.load_model(path).to(context.device)
            for path in (folder, reference.folder(build.inputs["reference"]))
        )
        with (
            context.progress.task(f"KL of {label}", len(rows), "text") as bar,
            autocast(context.dtype, context.device)(),
        ):
            values = sequence_kl(
                policy, frozen, [r[1] for r in rows], [r[2] for r in rows],
                pad_id=encoder.tokenizer.pad_token_id, advance=bar.advance,
            )  # fmt: skip
        by_id: dict[str, list[float]] = {}
        for (id, _, _), value in zip(rows, values.tolist(), strict=True):
            by_id.setdefault(id, []).append(value)
        with JsonlWriter(build.out / "kl.jsonl") as log:
            for id, kl in by_id.items():
                log.append({"id": id, "kl": [x if math.isfinite(x) else None for x in kl]})

    return build


def _drawn(
    request: Request, responses: Mapping[str, Response], encoder: Encoder
) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """(request id, prompt tokens, answer tokens) of every text that was sampled."""
    response, prompt = responses[request.id], encoder.encode_prompt(request.prompt)
    if not response.sampled and response.texts:
        raise UserError(
            f"{request.id}: the engine does not tell which tokens it sampled, which the KL needs; use hf"
        )
    yield from ((request.id, prompt, tokens) for tokens in response.sampled)
