"""A model's size from headers alone is its size."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from suite.model import folder as models
from suite.model.shape import shape_of, tiny_shape


def test_of_a_folder(tiny_folder: Path, tmp_path: Path) -> None:
    model = models.load_model(tiny_folder)
    shape = shape_of(tiny_folder)
    assert shape is not None
    assert shape.parameters == model.num_parameters()
    assert shape.vectors == sum(p.numel() for p in model.parameters() if p.ndim == 1)
    assert (shape.hidden, shape.layers, shape.heads) == (128, 3, 4)
    assert (shape.tied, shape.half_stored) == (True, False)
    assert shape.multiplied == shape.matrices  # the embedding is the projection, too
    half = tmp_path / "half"
    shutil.copytree(tiny_folder, half)
    models.to_bfloat16(half)
    smaller = shape_of(half)
    assert smaller is not None
    assert (smaller.half_stored, smaller.stored * 2) == (True, shape.stored)


def test_the_embedded_model_is_known_before_it_is_made(tiny_folder: Path) -> None:
    assert tiny_shape() == shape_of(tiny_folder)


def test_what_its_files_do_not_tell_is_not_guessed(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(tiny_folder, folder)
    (folder / "config.json").write_text(json.dumps({"vocab_size": 7}))
    assert shape_of(folder) is None
    assert shape_of(tmp_path / "absent") is None


@pytest.mark.slow
def test_of_a_gguf_file(smollm2_gguf: Path) -> None:
    shape = shape_of(smollm2_gguf)
    assert shape is not None
    assert shape.parameters == 134_515_008
    assert (shape.hidden, shape.layers, shape.vocabulary) == (576, 30, 49152)
    assert shape.tied
