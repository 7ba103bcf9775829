"""How large a model is, from its configuration and the headers of its weights: no weight is read.

shape = shape_of(folder)        shape.parameters, shape.layers, ...
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from suite.tiny.model import SIZES

TINY_VOCABULARY = 1071
"""Tokens of the embedded model, which has no files before it is made."""
BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1}
"""Of a number, by its name in a header."""
FLOAT32 = 4
FEED_FORWARD = 4
"""Widths of the hidden states that the middle of a layer has where a configuration says nothing."""


@dataclass(frozen=True)
class Shape:
    """What the memory of a model depends on."""

    matrices: int
    """Weights in matrices, an embedding that the projection shares counted once."""
    vectors: int
    """Other weights: norms and biases."""
    hidden: int
    feed_forward: int
    layers: int
    heads: int
    vocabulary: int
    tied: bool
    """Whether embedding and projection are one matrix."""
    stored: int
    """Bytes of the weights on disk."""

    @property
    def parameters(self) -> int:
        """All weights."""
        return self.matrices + self.vectors

    @property
    def embedding(self) -> int:
        """Weights of the embedding."""
        return self.vocabulary * self.hidden

    @property
    def multiplied(self) -> int:
        """Weights of linear layers; an embedding that is looked up only is none."""
        return self.matrices if self.tied else self.matrices - self.embedding

    @property
    def half_stored(self) -> bool:
        """Whether the weights lie on disk in 16 bits or less."""
        return self.stored < 3 * self.parameters


@cache
def shape_of(source: Path) -> Shape | None:
    """The shape of a model folder or .gguf file; None where its files do not tell."""
    try:
        return _of_gguf(source) if source.is_file() else _of_folder(source)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # what is wrong with it is said when it is imported


def tiny_shape() -> Shape:
    """The embedded model: Llama's projections and norms, the embedding shared."""
    width, middle = SIZES["hidden_size"], SIZES["intermediate_size"]
    layers = SIZES["num_hidden_layers"]
    matrices = TINY_VOCABULARY * width + layers * (4 * width**2 + 3 * width * middle)
    vectors = (2 * layers + 1) * width
    return Shape(
        matrices,
        vectors,
        hidden=width,
        feed_forward=middle,
        layers=layers,
        heads=SIZES["num_attention_heads"],
        vocabulary=TINY_VOCABULARY,
        tied=True,
        stored=FLOAT32 * (matrices + vectors),
    )


def _of_folder(folder: Path) -> Shape:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config = config.get("text_config") or config
    tensors: dict[str, Any] = {}
    for file in sorted(folder.glob("*.safetensors")):
        if not file.name.startswith("adapter"):
            tensors |= header_of(file)
    sizes = {name: math.prod(tensor["shape"]) for name, tensor in tensors.items()}
    matrices = sum(size for name, size in sizes.items() if len(tensors[name]["shape"]) > 1)
    hidden = _first(config, "hidden_size", "n_embd", "d_model")
    middle = _first(
        config, "intermediate_size", "ffn_dim", "n_inner", default=FEED_FORWARD * hidden
    )
    return Shape(
        matrices,
        sum(sizes.values()) - matrices,
        hidden=hidden,
        feed_forward=middle,
        layers=_first(config, "num_hidden_layers", "n_layer", "num_layers", "n_layers"),
        heads=_first(config, "num_attention_heads", "n_head", "n_heads"),
        vocabulary=_first(config, "vocab_size"),
        tied=not any(name.endswith("lm_head.weight") for name in tensors),
        stored=sum(size * BYTES[tensors[name]["dtype"]] for name, size in sizes.items()),
    )


def header_of(file: Path) -> dict[str, Any]:
    """Name -> dtype and shape of each tensor of a .safetensors file."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        header: dict[str, Any] = json.loads(opened.read(length))
    header.pop("__metadata__", None)
    return header


def _of_gguf(file: Path) -> Shape:
    """Of a .gguf file; it is brought to bfloat16 when it is imported."""
    from gguf import GGUFReader

    reader = GGUFReader(file)
    kind = reader.get_field("general.architecture")
    assert kind is not None

    def number(name: str) -> int:
        field = reader.get_field(f"{kind.contents()}.{name}")
        if field is None:
            raise KeyError(name)
        return int(field.contents())

    sizes = [(int(tensor.n_elements), len(tensor.shape)) for tensor in reader.tensors]
    matrices = sum(size for size, dimensions in sizes if dimensions > 1)
    hidden = number("embedding_length")
    embedding = next(t for t in reader.tensors if t.name == "token_embd.weight")
    total = sum(size for size, _ in sizes)
    return Shape(
        matrices,
        total - matrices,
        hidden=hidden,
        feed_forward=number("feed_forward_length"),
        layers=number("block_count"),
        heads=number("attention.head_count"),
        vocabulary=int(embedding.n_elements) // hidden,
        tied=not any(tensor.name == "output.weight" for tensor in reader.tensors),
        stored=2 * total,
    )


def _first(config: Mapping[str, Any], *names: str, default: int | None = None) -> int:
    """The first of these settings that is a number. KeyError: none is."""
    for name in names:
        if isinstance(config.get(name), int):
            return int(config[name])
    if default is None:
        raise KeyError(names[0])
    return default
