"""What each stage will take, before anything runs: peak memory, disk and tokens.

    forecast = Forecasts(context).of(stage)      .memory_bytes .disk_bytes .tokens

Closed forms over the model's shape, the settings and the lengths of the texts (four characters a
token, about). None: nothing of the kind is needed, or it is not known before other stages ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suite.api.data import Pair
from suite.api.requests import Generate
from suite.core.amounts import in_bytes
from suite.model.memory import (
    HALF,
    WIDE,
    Passes,
    adapter_weights,
    answering_bytes,
    moment_bytes,
    training_bytes,
)
from suite.model.shape import Shape, shape_of, tiny_shape
from suite.settings import TrainConfig
from suite.stages.context import Context
from suite.store import Json, Stage
from suite.train.sampling import PRIMARY

CHARACTERS = 4
"""Characters of a token."""
TURN = 8
"""Tokens of a chat template around a prompt and its answer."""
ANSWER_BYTES = 24
"""Bytes of responses.jsonl for each token of a completion: its log-probability in digits."""
BATCH_TOKENS = 4096
"""Tokens that are scored or decoded at once."""
STEP_CHECKPOINTS = 3
"""Step checkpoints that lie on disk at most: two, and the one that is written."""


@dataclass(frozen=True)
class Forecast:
    """What a stage takes, about."""

    memory_bytes: int | None = None
    """At its peak, of the device where tensors live; see `suite.model.memory`."""
    disk_bytes: int | None = None
    """What it leaves in the store."""
    tokens: int | None = None
    """Tokens that a model reads or writes."""
    scratch_bytes: int = 0
    """What lies on disk beside that while it runs."""

    def as_json(self) -> dict[str, Json]:
        """As `suite plan --json` prints it."""
        return asdict(self)

    def __str__(self) -> str:
        """ "1.2 GB memory, 3.1 MB disk, 4,000 tokens"; "" where nothing is known."""
        amounts = ((self.memory_bytes, "memory"), (self.disk_bytes, "disk"))
        said = [f"{in_bytes(amount)} {what}" for amount, what in amounts if amount is not None]
        return ", ".join(said if self.tokens is None else [*said, f"{self.tokens:,} tokens"])


@dataclass(frozen=True)
class Lengths:
    """Of texts: how many, and their mean tokens."""

    count: int
    prompt: float
    completion: float

    @property
    def total(self) -> float:
        """Tokens of a text."""
        return self.prompt + self.completion


class Forecasts:
    """Of the stages of one run."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._lengths: dict[str, Lengths] = {}
        self._asked: dict[str, tuple[int, int]] = {}

    def of(self, stage: Stage) -> Forecast:
        """Of one stage; of kinds that hold no model, nothing."""
        shape = self._shape(stage)
        makers = {
            "base": self._base,
            "train": self._train,
            "reference": self._reference,
            "respond": self._respond,
        }
        if shape is None or stage.kind not in makers:
            return Forecast()
        return makers[stage.kind](stage, shape)

    def _shape(self, stage: Stage) -> Shape | None:
        """The shape of the model that a stage starts with."""
        while stage.kind != "base":
            below = [each for name in ("start", "model") if (each := stage.inputs.get(name))]
            if not below:
                return None
            stage = below[0]
        if stage.spec["model"] == "tiny":
            return tiny_shape()
        # Adapters are merged into their base.
        return shape_of(Path(str(stage.resources.get("base", stage.resources["source"]))))

    def _base(self, stage: Stage, shape: Shape) -> Forecast:
        return Forecast(disk_bytes=shape.stored)

    def _train(self, stage: Stage, shape: Shape) -> Forecast:
        spec: Any = stage.spec
        resources: Any = stage.resources
        config = TrainConfig(**spec["train"], **resources["step"])
        lengths = {role: self._of_rows(key) for role, key in spec["roles"].items()}
        known = {role: each for role, each in lengths.items() if each is not None}
        memory = self._training_memory(spec, config, shape, list(known.values()))
        primary = next((known[role] for role in PRIMARY if role in known), None)
        tokens = None
        if primary is not None and len(known) == len(lengths):
            row = sum(each.total for each in known.values())
            tokens = round(config.epochs * primary.count * row)
        written = shape.parameters * (HALF if _half(spec, shape) else WIDE)
        trained = shape.parameters
        if config.lora_rank:
            trained = adapter_weights(shape, config.lora_rank)
        scratch = STEP_CHECKPOINTS * (WIDE * trained + moment_bytes(config, trained, 0))
        disk = len(resources["epochs"]) * written
        return Forecast(memory, disk, tokens, scratch)

    def _training_memory(
        self, spec: Any, config: TrainConfig, shape: Shape, lengths: Sequence[Lengths]
    ) -> int:
        method = self.context.registry.method_of_stage(spec["method"])
        rows = config.batch_size
        if config.micro_batch and not method.batch_coupled:
            rows = min(rows, config.micro_batch)
        new = int(spec["settings"].get("max_new_tokens", 0)) if "prompts" in spec["roles"] else 0
        total = sum(each.total for each in lengths) or config.max_length
        predicted = sum(each.completion for each in lengths) or config.max_length
        passes = Passes(
            spec["dtype"], self.context.device, round(rows * (total + new)), round(rows * predicted)
        )
        return training_bytes(shape, config, passes)

    def _reference(self, stage: Stage, shape: Shape) -> Forecast:
        spec: Any = stage.spec
        memory = answering_bytes(shape, spec["dtype"], BATCH_TOKENS)
        lengths = self._of_rows(spec["rows"])
        if lengths is None:
            return Forecast(memory)
        width = 1 + (shape.hidden if spec["hidden"] else 0)
        disk = round(lengths.count * lengths.completion * WIDE * width)
        return Forecast(memory, disk, round(lengths.count * lengths.total))

    def _respond(self, stage: Stage, shape: Shape) -> Forecast:
        spec: Any = stage.spec
        read, written = self._of_requests(spec["requests"])
        memory = answering_bytes(shape, spec["dtype"], BATCH_TOKENS)
        return Forecast(memory, ANSWER_BYTES * written, read)

    def _of_requests(self, key: str) -> tuple[int, int]:
        """(tokens read, tokens written) of requests; every checkpoint is asked the same."""
        if key not in self._asked:
            read, written = 0, 0
            for request in self.context.materials[key]:
                completion = _tokens(request.expected)
                if isinstance(request, Generate):
                    completion = request.n * request.max_new_tokens
                read += _prompt(request) + completion
                written += completion
            self._asked[key] = read, written
        return self._asked[key]

    def _of_rows(self, key: str | None) -> Lengths | None:
        """Of training rows; None: they are made of answers that nobody has given yet."""
        if key is None:
            return None
        if key not in self._lengths:
            self._lengths[key] = _lengths(self.context.materials[key])
        return self._lengths[key]


def _half(spec: Any, shape: Shape) -> bool:
    """Whether a training writes 16 bits a weight."""
    half = spec["dtype"] == "bfloat16" and shape.half_stored
    return half or spec["train"]["weights"] == "bfloat16"


def _lengths(rows: Sequence[Any]) -> Lengths:
    """Of a pair, both halves together, each with the prompt."""
    count = max(1, len(rows))
    prompts = completions = 0
    for row in rows:
        halves = (row.chosen, row.rejected) if isinstance(row, Pair) else (row.completion,)
        prompts += len(halves) * _prompt(row)
        completions += sum(map(_tokens, halves))
    return Lengths(len(rows), prompts / count, completions / count)


def _prompt(asked: Any) -> int:
    return TURN + sum(_tokens(message.content) for message in asked.prompt)


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS)
