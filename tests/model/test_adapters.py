"""Adapter folders as models: base plus adapter, wherever both lie; and adapters that we save."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from suite import UserError
from suite.model import adapters
from suite.model import folder as models
from suite.model import source as source_of


@pytest.fixture
def base(tiny_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_folder, tmp_path / "base")


@pytest.fixture
def adapter(base: Path, tmp_path: Path) -> Path:
    """As peft saves it, with weights that are not 0."""
    model = wrapped(base)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def wrapped(base: Path) -> Any:
    torch.manual_seed(1)
    model = adapters.wrap(models.load_model(base), rank=2, alpha=8.0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    return model


def edit(adapter: Path, **values: Any) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.arange(3, 30)[None]).logits


@pytest.mark.parametrize("place", ["absolute", "relative", "within"])
def test_base_plus_adapter(base: Path, adapter: Path, tmp_path: Path, place: str) -> None:
    plain, expected = logits(models.load_model(base)), logits(wrapped(base))
    if place == "relative":
        edit(adapter, base_model_name_or_path="../base")
    if place == "within":  # saved into its base's folder, under a name of the machine it is from
        edit(adapter, base_model_name_or_path="/elsewhere/base")
        for file in adapter.iterdir():
            shutil.copy(file, base)
        adapter = base
    source_of.check_source(str(adapter))
    found = source_of.adapter_base(adapter)
    assert found is not None
    out = tmp_path / "out"
    out.mkdir()
    before = {p: p.read_bytes() for p in adapter.iterdir()}
    adapters.import_adapters(adapter, Path(found), out, None, "chat")
    assert {p: p.read_bytes() for p in adapter.iterdir()} == before
    assert not list(out.glob("adapter*"))
    torch.testing.assert_close(logits(models.load_model(out)), expected, rtol=1e-4, atol=1e-4)
    assert (expected - plain).abs().max() > 0.1


def test_adapters_that_cannot_be_read_are_one_line(base: Path, adapter: Path) -> None:
    edit(adapter, base_model_name_or_path="/not/here")
    with pytest.raises(UserError, match=r"adapter: its base model /not/here: no such folder"):
        source_of.check_source(str(adapter))
    edit(adapter, base_model_name_or_path=None)
    with pytest.raises(UserError, match=r"adapter_config\.json names no base model$"):
        source_of.check_source(str(adapter))
    edit(adapter, base_model_name_or_path=str(base), megatron_config={"a": 1})
    with pytest.raises(UserError, match="megatron_config"):
        source_of.check_source(str(adapter))
    edit(adapter, megatron_config=None)
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(UserError, match=r"without adapter_model\.safetensors"):
        source_of.check_source(str(adapter))


def test_adapters_of_another_model_are_one_line(base: Path, adapter: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = adapter / "adapter_model.safetensors"
    tensors = {name: tensor[:, :-1] for name, tensor in load_file(path).items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match="its adapters do not fit") as refused:
        adapters.import_adapters(adapter, base, tmp_path / "out", None, "chat")
    assert "\n" not in str(refused.value)


def test_a_pad_token_of_the_adapters_without_an_embedding_is_refused(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    tokenizer = models.load_tokenizer(base)
    tokenizer.add_special_tokens({"pad_token": "<|new|>"})
    tokenizer.save_pretrained(adapter)
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match=r"pad token '<\|new\|>' lies outside the model's \d+ emb"):
        adapters.import_adapters(adapter, base, tmp_path / "out", None, "chat")


def test_the_same_adapters_are_the_same_bytes_wherever_they_are_made(
    base: Path, tmp_path: Path
) -> None:
    elsewhere = shutil.copytree(base, tmp_path / "elsewhere" / "another")
    saved = []
    for number, folder in enumerate((base, elsewhere)):
        model = wrapped(folder)
        if number:  # as if the set of its layers had another order
            config = model.peft_config["default"]
            config.target_modules = dict.fromkeys(sorted(config.target_modules, reverse=True))
        adapters.save(model, models.load_tokenizer(folder), tmp_path / str(number))
        root = tmp_path / str(number)
        files = sorted(p for p in root.rglob("*") if p.is_file())
        saved.append({str(p.relative_to(root)): p.read_bytes() for p in files})
    assert saved[0] == saved[1]
    assert not any(str(tmp_path).encode() in content for content in saved[0].values())
