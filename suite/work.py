"""What the stages of `suite.stages` do when they are built: each reads files and writes files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from suite import faults, interrupt
from suite.bases import Model
from suite.benchmark import (
    BenchmarkData,
    CurvePoint,
    Experiment,
    Metric,
    Pair,
    Request,
    Response,
    Row,
    Scores,
    TextBenchmark,
)
from suite.lab import Lab
from suite.method import Method
from suite.settings import TrainConfig
from suite.store import Build, Json, JsonlWriter, read_json, read_jsonl, write_json
from suite.texts import Encoded, Encoder

CHUNK_PROMPTS = 96
"""Prompts answered between two writes. Chunks are fixed beforehand, so a resumed run batches, and hence rounds, as
the uninterrupted one."""

Rows = Sequence[Row] | Sequence[Pair]


def jsonable(value: Any) -> Json:
    """Plain JSON of dataclasses, tuples, sets and paths, for keys."""
    if is_dataclass(value) and not isinstance(value, type):
        return jsonable(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    return value  # type: ignore[no-any-return]  # the store refuses what is not JSON


def encode_rows(rows: Rows, encoder: Encoder) -> list[Any]:
    """Tokenise training rows (`Encoded`) or pairs (`EncodedPair`)."""
    from suite.sampling import EncodedPair

    return [
        EncodedPair(
            row.id,
            encoder.encode(row.prompt, row.chosen, f"{row.id} (chosen)"),
            encoder.encode(row.prompt, row.rejected, f"{row.id} (rejected)"),
        )
        if isinstance(row, Pair)
        else encoder.encode(row.prompt, row.completion, row.id)
        for row in rows
    ]


def texts_of(items: Sequence[Any]) -> list[Encoded]:
    """The texts of rows, or of both halves of pairs."""
    return [text for i in items for text in ((i,) if isinstance(i, Encoded) else (i.chosen, i.rejected))]


def training(
    lab: Lab,
    start: Model,
    method: Method[Any],
    roles: Mapping[str, Rows],
    config: TrainConfig,
    seed: int,
    label: str,
    keep: str,
) -> Callable[[Build], None]:
    """Train `method` from `start`: epoch-NN/ model folders and log.jsonl."""

    def build(build: Build) -> None:
        from suite.reference import References
        from suite.train import TrainJob, train

        folder = start.folder(build.inputs["start"])
        encoder = lab.encoder(folder, config)
        encoded = {role: encode_rows(rows, encoder) for role, rows in roles.items()}
        references = References()
        for role in roles:
            if f"reference/{role}" in build.inputs:
                references.add(role, build.inputs[f"reference/{role}"], texts_of(encoded[role]))
        train(
            TrainJob(
                type(method)(method.config), config, seed, folder, encoded, references, build.out, build.scratch,
                dtype=lab.dtype, device=lab.device, label=label, epochs_kept=keep, progress=lab.progress,
                on_step=lab.on_step, checkpoint_seconds=lab.config.checkpoint_seconds,
            )
        )  # fmt: skip

    return build


def referencing(lab: Lab, start: Model, rows: Rows, config: TrainConfig, hidden: bool) -> Callable[[Build], None]:
    """Score training rows under the starting model."""

    def build(build: Build) -> None:
        from suite import models, reference
        from suite.train import autocast

        folder = start.folder(build.inputs["model"])
        encoder = lab.encoder(folder, config)
        texts = texts_of(encode_rows(rows, encoder))
        model = models.load_model(folder).to(lab.device)
        with lab.progress.task("reference log-probabilities", len(texts), "text") as bar:
            tensors = reference.compute(
                model, texts, autocast(lab.dtype, lab.device), hidden=hidden,
                pad_id=encoder.tokenizer.pad_token_id, advance=bar.advance,
            )  # fmt: skip
        reference.save(tensors, build.out)

    return build


def responding(
    lab: Lab, model: Model, method: Method[Any] | None, requests: Sequence[Request], label: str
) -> Callable[[Build], None]:
    """Ask the engine, chunk by chunk; finished chunks survive a crash and are never asked again."""

    def build(build: Build) -> None:
        folder = model.folder(build.inputs["model"])
        chunks = list(chunked(requests))
        partial = build.scratch / "responses.jsonl"
        with JsonlWriter(partial) as log, lab.progress.task(f"answers of {label}", len(requests)) as bar:
            done = sum(1 for _ in read_jsonl(partial))
            bar.advance(sum(map(len, chunks[:done])))
            if done < len(chunks):
                lab.engine.load(folder)
            for chunk in chunks[done:]:
                answers = method.respond(lab.engine, chunk) if method else lab.engine.respond(chunk)
                faults.point("respond.chunk")
                log.append([response_json(answer) for answer in answers])
                bar.advance(len(chunk))
                interrupt.check()
        by_id = {answer["id"]: answer for chunk in read_jsonl(partial) for answer in chunk}
        with JsonlWriter(build.out / "responses.jsonl") as final:
            for request in requests:
                final.append(by_id[request.id])

    return build


def chunked(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Requests in chunks of CHUNK_PROMPTS prompts, similar lengths together, those of one prompt never parted."""
    ordered = sorted(requests, key=lambda r: (sum(len(m.content) for m in r.prompt), str(r.prompt)))
    groups = [list(group) for _, group in groupby(ordered, key=lambda r: r.prompt)]
    for i in range(0, len(groups), CHUNK_PROMPTS):
        yield [request for group in groups[i : i + CHUNK_PROMPTS] for request in group]


def response_json(response: Response) -> dict[str, Json]:
    """A response as JSON; a log-probability that is not finite becomes null."""
    logps: list[Json] = [x if math.isfinite(x) else None for x in response.token_logps]
    content: dict[str, Json] = {"id": response.id}
    if logps:
        content |= {"token_logps": logps, "greedy": list(response.greedy)}
    if response.texts:
        content |= {"texts": list(response.texts), "finished": list(response.finished)}
    return content


def read_responses(folder: Path) -> dict[str, Response]:
    """Read what a respond stage wrote, by request id; null log-probabilities become NaN again."""
    responses = {}
    for line in read_jsonl(folder / "responses.jsonl"):
        logps = tuple(math.nan if x is None else x for x in line.get("token_logps", ()))
        fields = {name: tuple(line.get(name, ())) for name in ("greedy", "texts", "finished")}
        responses[line["id"]] = Response(line["id"], logps, **fields)
    return responses


def scoring(benchmark: TextBenchmark[Any], data: BenchmarkData, requests: Sequence[Request]) -> Callable[[Build], None]:
    """Score answers: items.jsonl (one line per metric and item), metrics.json, samples.jsonl."""

    def build(build: Build) -> None:
        responses = read_responses(build.inputs["responses"])
        baseline = read_responses(build.inputs["baseline"]) if "baseline" in build.inputs else None
        scores = benchmark.score(data, responses, baseline)
        write_scores(scores, build.out)
        with JsonlWriter(build.out / "samples.jsonl") as log:
            for sample in samples(requests, responses, scores):
                log.append(sample)

    return build


def write_scores(scores: Scores, folder: Path) -> None:
    """Write per-item scores and metrics."""
    with JsonlWriter(folder / "items.jsonl") as log:
        for item in scores.items:
            log.append(jsonable(item))
    write_json(folder / "metrics.json", [jsonable(metric) for metric in scores.metrics])
    write_json(folder / "curve.json", [jsonable(point) for point in scores.curve])


def samples(
    requests: Sequence[Request], responses: Mapping[str, Response], scores: Scores
) -> Iterator[dict[str, Json]]:
    """Question, reference, answer and scores of every generated item. Ids are "<set>/<item>/<what>"."""
    by_item: dict[tuple[str, str], dict[str, Json]] = {}
    for score in scores.items:
        by_item.setdefault((score.set, score.item_id), {})[score.metric] = score.value
    for request in requests:
        if request.kind == "generate":
            name, _, rest = request.id.partition("/")
            item = rest.rpartition("/")[0]
            yield {
                "set": name,
                "item_id": item,
                "prompt": request.prompt[-1].content,
                "reference": request.completion,
                "generation": responses[request.id].texts[0],
                "scores": by_item.get((name, item), {}),
            }


def measuring(
    lab: Lab, experiment: Experiment[Any], method: Method[Any], split: str, seed: int
) -> Callable[[Build], None]:
    """Run an experiment: items.jsonl, metrics.json, curve.json, and samples.jsonl without a line."""

    def build(build: Build) -> None:
        write_scores(experiment.measure(type(method)(method.config), split, seed, lab.progress), build.out)
        (build.out / "samples.jsonl").touch()

    return build


def read_metrics(folder: Path) -> tuple[Metric, ...]:
    """Read metrics.json of a score stage."""
    return tuple(Metric(**metric) for metric in read_json(folder / "metrics.json"))


def read_curve(folder: Path) -> tuple[CurvePoint, ...]:
    """Read curve.json of a score stage."""
    return tuple(CurvePoint(**point) for point in read_json(folder / "curve.json"))
