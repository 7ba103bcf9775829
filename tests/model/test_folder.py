"""Bringing models to one form: folders, .gguf files, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from suite import Generate, Message, UserError
from suite.engines.hf.engine import HFEngine
from suite.model import folder as models
from suite.model import source as source_of


def test_a_folder_is_imported_without_touching_it(tiny_folder: Path, tmp_path: Path) -> None:
    source = shutil.copytree(tiny_folder, tmp_path / "source")
    before = {p.name: p.read_bytes() for p in source.iterdir()}
    (tmp_path / "out").mkdir()
    models.import_base(source, tmp_path / "out", "<|user|>", "chat")
    assert {p.name: p.read_bytes() for p in source.iterdir()} == before
    assert models.load_tokenizer(tmp_path / "out").pad_token == "<|user|>"
    ours, theirs = (
        models.load_model(tmp_path / "out").state_dict(),
        models.load_model(source).state_dict(),
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_pickled_weights_are_never_loaded(tiny_folder: Path, tmp_path: Path) -> None:
    source = shutil.copytree(tiny_folder, tmp_path / "source")
    (source / "model.safetensors").rename(source / "pytorch_model.bin")
    with pytest.raises(UserError, match="no .safetensors file"):
        models.import_base(source, tmp_path / "out", None, "chat")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("./missing", "no such folder"),
        ("just-a-name", "hub ids look like owner/name"),
        ("missing.gguf", "no such file"),
    ],
)
def test_models_that_are_not_there(spec: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        source_of.check_source(spec)


def test_a_folder_without_a_model_and_a_file_that_is_no_gguf(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match=r"no config.json in this folder \(it holds notes.txt\)"):
        source_of.check_source(str(tmp_path))
    (tmp_path / "x.gguf").write_bytes(b"hello")
    with pytest.raises(UserError, match="not a GGUF file"):
        source_of.check_source(str(tmp_path / "x.gguf"))


def test_weights_of_another_shape_are_refused(tiny_folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_folder, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config["num_hidden_layers"] += 1
    (other / "config.json").write_text(json.dumps(config))
    from transformers import AutoConfig, AutoModelForCausalLM

    larger = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(other))
    with pytest.raises(UserError, match="weights do not fit the model"):
        models.load_weights(larger, tiny_folder)


@pytest.mark.slow
def test_a_pretrained_gguf_answers_sensibly_and_equals_transformers(
    smollm2_gguf: Path, tmp_path: Path
) -> None:
    models.import_base(smollm2_gguf, tmp_path / "out", None, "chat")
    engine = HFEngine("cpu", "float32")
    engine.load(tmp_path / "out")
    question = (Message("user", "What is the capital of France?"),)
    (answer,) = engine.respond([Generate("capital", question, max_new_tokens=12)])
    assert "Paris" in answer.texts[0]
    plain = models.load_model(smollm2_gguf.parent, gguf_file=smollm2_gguf.name)
    prompt = torch.tensor([engine.encoder.encode_prompt(question)])
    expected = plain.generate(prompt, max_new_tokens=12, do_sample=False)[0, prompt.shape[1] :]
    assert answer.texts[0] == engine.encoder.decode(expected.tolist())
