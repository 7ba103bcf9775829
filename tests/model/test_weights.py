"""Weights and configurations that are no model: one line each, and no tensor left to chance."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from suite import UserError
from suite.model import folder as models
from suite.model.weights import UNBOUNDED, context_of
from tests.model.families import build


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_folder, tmp_path / "model")


def edit(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def retensor(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "truncated": (cut, "not readable as weights"),
    "empty": (lambda f: (f / "model.safetensors").write_bytes(b""), "not readable as weights"),
    "malformed": (lambda f: (f / "model.safetensors").write_bytes(b"x" * 99), "not readable"),
    "a list": (lambda f: (f / "config.json").write_text("[]"), "config.json is not an object"),
    "no json": (lambda f: (f / "config.json").write_text("{"), "config.json cannot be read"),
    "negative": (lambda f: edit(f, hidden_size=-4), "config.json has hidden_size = -4"),
    "layers": (lambda f: edit(f, num_hidden_layers=10**6), "1000000 layers, but the weights hold"),
    "shape": (
        lambda f: edit(f, intermediate_size=8),
        r"another shape than config\.json says: model\.layers\.0\.mlp\.down_proj\.weight, ",
    ),
    "a billion rows": (
        lambda f: edit(f, vocab_size=10**9),
        r"another shape than config\.json says: model\.embed_tokens\.weight$",
    ),
    "no heads": (lambda f: edit(f, num_attention_heads=0), "cannot be loaded|no usable tokenizer"),
    "a size in words": (lambda f: edit(f, hidden_size="16"), "Field 'hidden_size'|usable|loaded"),
    "a text model that is a list": (
        lambda f: edit(f, text_config=[1]),
        "text_config in config.json is not an object",
    ),
    "code of its own": (
        lambda f: edit(f, model_type="own", auto_map={"AutoModelForCausalLM": "own.Own"}),
        "cannot be loaded|no usable tokenizer",
    ),
    "missing": (
        lambda f: retensor(f, lambda t: t.pop("model.layers.1.mlp.up_proj.weight")),
        r"the weights lack model\.layers\.1\.mlp\.up_proj\.weight$",
    ),
    "no head": (
        lambda f: edit(f, tie_word_embeddings=False),
        r"the weights lack lm_head\.weight$",
    ),
    "prefixes": (
        lambda f: retensor(f, lambda t: [t.__setitem__(f"x.{k}", t.pop(k)) for k in list(t)]),
        r"the weights lack .* and \d+ more; they hold x\.",
    ),
}


@pytest.mark.parametrize("brought_in", [True, False])
@pytest.mark.parametrize("case", BROKEN)
def test_files_that_are_no_model_are_refused_in_one_line(
    folder: Path, tmp_path: Path, case: str, brought_in: bool
) -> None:
    break_it, message = BROKEN[case]
    break_it(folder)
    out = tmp_path / "out"
    out.mkdir()
    read = partial(models.load_model, folder)
    if brought_in:  # a run's first step, which reads the tokenizer too
        read = partial(models.import_base, folder, out, None, "chat")
    start = time.process_time()  # the machine may be busy
    with pytest.raises(UserError, match=message) as refused:
        read()
    assert "\n" not in str(refused.value)
    assert time.process_time() - start < 10
    assert not list(out.iterdir())


def test_a_folder_overwritten_in_place_changes_nothing_in_the_store(
    folder: Path, tmp_path: Path
) -> None:
    for path in folder.iterdir():
        path.chmod(0o444)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    out = tmp_path / "out"
    out.mkdir()
    models.import_base(folder, out, None, "chat")
    kept = (out / "model.safetensors").read_bytes()
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    weights = folder / "model.safetensors"
    weights.chmod(0o644)
    with weights.open("r+b") as file:
        file.write(b"\0" * 100)
    assert (out / "model.safetensors").read_bytes() == kept
    assert not [p for p in out.iterdir() if p.stat().st_nlink > 1]


def test_code_in_a_folder_is_never_run(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    own = {"auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}, "tokenizer_class": "Evil"}
    path.write_text(json.dumps(json.loads(path.read_text()) | own))
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    with contextlib.suppress(UserError):  # refused or read without it, by version
        assert models.load_tokenizer(folder).eos_token == "<|end|>"


def test_a_pad_token_outside_the_embedding_is_refused(folder: Path, tmp_path: Path) -> None:
    tokenizer = models.load_tokenizer(folder)
    tokenizer.add_special_tokens({"pad_token": "<|new|>"})
    tokenizer.save_pretrained(folder)
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match=r"pad token '<\|new\|>' lies outside the model's \d+ emb"):
        models.import_base(folder, tmp_path / "out", None, "chat")


def test_a_missing_tensor_is_refused_when_the_model_is_brought_in(
    folder: Path, tmp_path: Path
) -> None:
    """Other programs that read the model from the store would give it random values."""
    retensor(folder, lambda t: t.pop("model.layers.1.mlp.up_proj.weight"))
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match="the weights lack"):
        models.import_base(folder, tmp_path / "out", None, "chat")
    assert not list((tmp_path / "out").iterdir())


def test_the_context_has_other_names() -> None:
    assert context_of(build("gpt2").config) == 256
    assert context_of({"n_positions": 64}) == 64
    assert context_of({"text_config": {"max_position_embeddings": 32}}) == 32
    assert context_of({"max_position_embeddings": None}) == UNBOUNDED


def test_every_family_loads_whole(tmp_path: Path) -> None:
    for family in ("gpt2", "opt", "gemma3"):
        model = build(family)
        model.save_pretrained(tmp_path / family)
        loaded = models.load_model(tmp_path / family).state_dict()
        assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())
