"""Quantised weights are seen in the files of a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter

from suite.model.quantized import quantization_of


def gguf(path: Path, kind: GGMLQuantizationType) -> Path:
    """A file with one matrix, and one vector that is never quantised."""
    from gguf.quants import quantize

    writer = GGUFWriter(path, "llama")
    weight = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    writer.add_tensor("blk.0.attn_q.weight", quantize(weight, kind), raw_dtype=kind)
    writer.add_tensor("output_norm.weight", np.ones(64, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("kind", [GGMLQuantizationType.F16, GGMLQuantizationType.F32])
def test_a_plain_gguf_file(kind: GGMLQuantizationType, tmp_path: Path) -> None:
    assert quantization_of(gguf(tmp_path / "plain.gguf", kind)) == ""


@pytest.mark.parametrize("kind", [GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q8_0])
def test_a_quantised_gguf_file(kind: GGMLQuantizationType, tmp_path: Path) -> None:
    found = quantization_of(gguf(tmp_path / "small.gguf", kind))
    assert found == f"its weights are quantised ({kind.name})"


def test_a_folder_says_so_in_its_configuration(tiny_folder: Path, tmp_path: Path) -> None:
    assert quantization_of(tiny_folder) == ""
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (folder / "config.json").write_text(json.dumps(config))
    assert quantization_of(folder) == ("its config.json says that it is quantised (bitsandbytes)")
