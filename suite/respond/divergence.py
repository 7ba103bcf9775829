"""The stage `kl`: how far a model's sampled answers are from the start model: kl.jsonl."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from suite.api.requests import Generate, Generated, Response
from suite.api.stages import builds
from suite.core.errors import UserError
from suite.model.folder import load_encoder
from suite.stages.handles import folder_of
from suite.stages.responses import read_responses
from suite.store import JsonlWriter

if TYPE_CHECKING:
    from suite.model.encoding import Encoder
    from suite.stages.context import Context
    from suite.store import Build


@builds("kl")
def measure_divergence(build: Build, context: Context) -> None:
    """Measure the sequence KL(model || reference) of the model's sampled answers, one line a
    request."""
    from suite.model import folder as models
    from suite.model.hardware import autocast
    from suite.model.kl import sequence_kl

    spec = build.spec
    folder = folder_of(build.inputs["model"], spec["epoch"])
    start = folder_of(build.inputs["reference"], spec["reference_epoch"])
    encoder = load_encoder(folder, spec["template"], spec["max_length"])
    responses = read_responses(build.inputs["responses"])
    requests = context.materials[spec["requests"]]
    generated = [request for request in requests if isinstance(request, Generate)]
    sampled = [request for request in generated if request.temperature > 0]
    rows = [row for request in sampled for row in _drawn(request, responses, encoder)]
    policy = models.load_model(folder).to(context.device)
    frozen = models.load_model(start).to(context.device)
    precision = autocast(spec["dtype"], context.device)
    with context.progress.task(str(build.stage), len(rows), "text") as bar, precision():
        values = sequence_kl(
            policy,
            frozen,
            [prompt for _, prompt, _ in rows],
            [answer for _, _, answer in rows],
            pad_id=encoder.tokenizer.pad_token_id,
            advance=bar.advance,
        )
    by_id: dict[str, list[float]] = {}
    for (id, _, _), value in zip(rows, values.tolist(), strict=True):
        by_id.setdefault(id, []).append(value)
    with JsonlWriter(build.out / "kl.jsonl") as log:
        for id, kl in by_id.items():
            log.append({"id": id, "kl": [x if math.isfinite(x) else None for x in kl]})


def _drawn(
    request: Generate, responses: Mapping[str, Response], encoder: Encoder
) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """(request id, prompt tokens, answer tokens) of every text that was sampled."""
    response, prompt = responses[request.id], encoder.encode_prompt(request.prompt)
    if not isinstance(response, Generated):  # the method answers no requests of this kind
        return
    if not response.sampled and response.texts:
        raise UserError(
            f"{request.id}: the engine does not tell which tokens it sampled, which the KL "
            "needs; use hf"
        )
    yield from ((request.id, prompt, tokens) for tokens in response.sampled)
