"""How much memory training and answering take, in closed form.

    weights + gradients + optimiser + what the backward pass needs of each token

of the tensors alone: what a process takes before it holds any (torch itself, .3 to .6 GB; a CUDA
context) comes on top. What is kept of a token is counted for Llama-like layers; other layers are
not far from it. Tested against measured peaks to within a factor (`tests/model/test_memory.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from suite.model.shape import Shape
from suite.settings import TrainConfig

WIDE, HALF = 4, 2
"""Bytes of a float32 and of a bfloat16 number."""
NF4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
"""Of a weight in 4 bits: 64 share a scale, and 256 scales in 8 bits share one in float32."""
MOMENTS = {"adamw": 2 * WIDE, "adamw_8bit": 2 * (1 + WIDE / 256)}
"""Bytes that AdamW remembers of a weight; in 8 bits 256 numbers share a scale."""
PAGED = "paged_"
CAPACITY = 256
"""Tokens of a sequence; see `suite.model.packing`."""
CHUNK = 2**26
"""Logits held at once; see `suite.model.logprobs`."""
LOGITS = 3
"""Copies of them: logits, log-softmax, gradient."""
ADAPTED = 7
"""Linear layers of a Llama layer that get adapters."""


@dataclass(frozen=True)
class Passes:
    """What a forward pass reads, and how it computes."""

    dtype: str
    device: str
    tokens: int
    """Tokens of a micro-batch, prompts included."""
    predicted: int
    """Tokens of its completions."""


def training_bytes(shape: Shape, config: TrainConfig, passes: Passes) -> int:
    """The peak of one training; of each shard, where several hold the model."""
    fixed = fixed_bytes(shape, config, passes.dtype)
    if config.shards > 1:
        fixed = -(-fixed // config.shards) + gathered_bytes(shape)
    return fixed + activation_bytes(shape, config, passes) + _logits(shape, passes.predicted)


def gathered_bytes(shape: Shape) -> int:
    """What a shard holds whole for a moment, weights and gradients: a layer, and embedding and
    projection, which are one group."""
    outer = shape.embedding if shape.tied else 2 * shape.embedding
    layer = (shape.parameters - outer) // shape.layers
    return 2 * WIDE * (outer + layer)


def fixed_bytes(shape: Shape, config: TrainConfig, dtype: str) -> int:
    """What does not depend on the batch: weights, gradients, optimiser."""
    weights = weight_bytes(shape, config, dtype) + _cast(shape, config, dtype)
    if config.lora_rank:
        adapters = adapter_weights(shape, config.lora_rank)
        return weights + 2 * WIDE * adapters + _held_moments(config, adapters, 0)
    gradients = weight_bytes(shape, config, dtype)
    return weights + gradients + _held_moments(config, shape.matrices, shape.vectors)


def weight_bytes(shape: Shape, config: TrainConfig, dtype: str) -> int:
    """The weights, as `TrainConfig.weights` keeps them."""
    small = config.weights == "bfloat16" or (config.weights == "nf4" and dtype == "bfloat16")
    size = HALF if small else WIDE
    if config.weights != "nf4":
        return size * shape.matrices + WIDE * shape.vectors
    looked_up = shape.embedding if shape.tied else 2 * shape.embedding
    linear = shape.matrices - looked_up
    # One layer at a time is wide, while it is multiplied.
    wide = size * shape.hidden * shape.feed_forward
    return round(NF4 * linear) + wide + size * looked_up + WIDE * shape.vectors


def moment_bytes(config: TrainConfig, matrices: int, vectors: int) -> int:
    """What AdamW remembers of weights in matrices and of others; few of these are large enough for
    8 bits."""
    size = MOMENTS[config.optimizer.removeprefix(PAGED)]
    return round(size * matrices) + round(MOMENTS["adamw"] * vectors)


def _held_moments(config: TrainConfig, matrices: int, vectors: int) -> int:
    """The part that must lie beside the weights: none of what can be moved away."""
    paged = config.optimizer.startswith(PAGED)
    return 0 if paged else moment_bytes(config, matrices, vectors)


def adapter_weights(shape: Shape, rank: int) -> int:
    """Weights of LoRA adapters, about: two thin matrices for each linear layer."""
    middle = 3 * (shape.hidden + shape.feed_forward)
    return shape.layers * rank * (middle + (ADAPTED - 3) * 2 * shape.hidden)


def _cast(shape: Shape, config: TrainConfig, dtype: str) -> int:
    """Copies of float32 weights that passes in bfloat16 need: one that is rounded by chance, and
    the one that autocast makes."""
    if dtype != "bfloat16" or config.weights != "float32":
        return 0
    rounded = WIDE if config.rounding == "stochastic" and not config.lora_rank else 0
    return (HALF + rounded) * shape.multiplied


def activation_bytes(shape: Shape, config: TrainConfig, passes: Passes) -> int:
    """What the backward pass needs of the layers."""
    kept = token_bytes(shape, passes)
    if config.gradient_checkpointing:
        # The inputs of all layers, and all of the one that is computed again.
        return passes.tokens * (shape.layers * WIDE * shape.hidden + kept)
    return passes.tokens * shape.layers * kept


def token_bytes(shape: Shape, passes: Passes) -> int:
    """Bytes that one layer keeps of one token.

    Widths of the hidden state: both norms 4 (input and result), queries, keys, values and output
    of attention 6; widths of the feed-forward part 4 (gate, its activation, up, their product).
    """
    norms, attention, middle = 4 * shape.hidden, 6 * shape.hidden, 4 * shape.feed_forward
    if passes.dtype != "bfloat16":
        return WIDE * (norms + attention + middle)
    # On a CPU attention in bfloat16 keeps its weights, in both precisions.
    width = min(CAPACITY, passes.tokens) if passes.device == "cpu" else 0
    return WIDE * norms + HALF * (attention + middle) + (WIDE + HALF) * shape.heads * width


def _logits(shape: Shape, predicted: int) -> int:
    """Logits where tokens are predicted, a chunk of them at a time."""
    return LOGITS * WIDE * min(CHUNK, predicted * shape.vocabulary)


def answering_bytes(shape: Shape, dtype: str, tokens: int) -> int:
    """A model that answers or scores: weights, copies of linear layers, keys and values of
    `tokens` tokens, logits of a batch."""
    cast = HALF * shape.multiplied if dtype == "bfloat16" else 0
    size = HALF if dtype == "bfloat16" else WIDE
    cached = 2 * shape.layers * shape.hidden * size * tokens
    return WIDE * shape.parameters + cast + cached + WIDE * min(CHUNK, tokens * shape.vocabulary)
