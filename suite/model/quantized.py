"""Whether a model's files hold quantised weights, found without loading them."""

from __future__ import annotations

from pathlib import Path

from suite.model.source import adapter_base
from suite.store import read_json

PLAIN = frozenset({"F64", "F32", "F16", "BF16"})
"""Types of tensors in a .gguf file that hold weights as they are."""


def quantization_of(source: Path) -> str:
    """How the weights are quantised, in words; "" where they are not, or nobody can tell."""
    if source.is_file():
        return _of_gguf(source)
    base = adapter_base(source)
    if base is not None and base != str(source):
        return quantization_of(Path(base)) if Path(base).exists() else ""
    found = read_json(source / "config.json").get("quantization_config")
    if not found:
        return ""
    return f"its config.json says that it is quantised ({found.get('quant_method', 'unnamed')})"


def _of_gguf(file: Path) -> str:
    from gguf import GGUFReader

    kinds = {tensor.tensor_type.name for tensor in GGUFReader(file).tensors} - PLAIN
    return f"its weights are quantised ({', '.join(sorted(kinds))})" if kinds else ""
