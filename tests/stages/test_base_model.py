"""Where a model is found and what identifies it: a hub's cache with a revision, folders, copies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from suite.model import adapters
from suite.model import folder as models
from suite.model.source import split_revision
from suite.model.tokens import ModelTokens
from suite.registry import Registry
from suite.run.kinds import open_context
from suite.settings import RunConfig
from suite.stages.base_model import imported, locate, origin, weights_digest
from suite.store import file_digest

COMMIT = "a" * 40


@pytest.fixture
def cached(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A hub model in the cache of this machine, as huggingface_hub lays it out; no network."""
    root = tmp_path / "hub" / "models--acme--released"
    snapshot = root / "snapshots" / COMMIT
    for folder in (snapshot, root / "blobs", root / "refs"):
        folder.mkdir(parents=True)
    (root / "refs" / "v1").write_text(COMMIT)
    for file in tiny_folder.iterdir():
        large = file.suffix == ".safetensors"
        blob = root / "blobs" / (file_digest(file) if large else file.name)
        shutil.copyfile(file, blob)
        (snapshot / file.name).symlink_to(blob)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return "acme/released@v1"


def test_a_revision_is_found_and_the_commit_is_its_identity(cached: str) -> None:
    source, identity = locate(cached)
    assert source.name == COMMIT
    assert identity == {"hub": "acme/released", "commit": COMMIT}
    assert origin(cached) == f"acme/released at commit {COMMIT}"
    assert split_revision("acme/released") == ("acme/released", None)
    assert split_revision("acme/released@refs/pr/1") == ("acme/released", "refs/pr/1")


def test_a_copy_of_a_hub_model_has_the_same_weights(
    cached: str, tiny_folder: Path, tmp_path: Path
) -> None:
    """The cache names a file by its digest: that is not computed, and must be the same."""
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    (copy / "generation_config.json").write_text("{}")
    assert weights_digest(locate(cached)[0]) == weights_digest(copy) == weights_digest(tiny_folder)


def test_adapters_on_a_hub_model_are_merged_into_what_the_cache_holds(
    cached: str, tiny_folder: Path, tmp_path: Path
) -> None:
    """peft writes hub id and revision; the base is found offline, and it alone is looked up."""
    adapter, out = tmp_path / "adapter", tmp_path / "out"
    torch.manual_seed(1)
    model = adapters.wrap(models.load_model(tiny_folder), rank=2, alpha=8.0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    model.save_pretrained(adapter)
    path = adapter / "adapter_config.json"
    named = {"base_model_name_or_path": "acme/released", "revision": "v1"}
    path.write_text(json.dumps(json.loads(path.read_text()) | named))

    config = RunConfig(model=str(adapter), store=str(tmp_path / "store"))
    context = open_context(config, Registry.load())
    stage = imported(context, str(adapter)).stage
    assert stage.spec["model"]["base"] == {"hub": "acme/released", "commit": COMMIT}  # type: ignore[index, call-overload]
    assert origin(str(adapter)).endswith(f"on acme/released at commit {COMMIT}")
    out.mkdir()
    adapters.import_adapters(
        Path(str(stage.resources["source"])), Path(str(stage.resources["base"])), out, None, "chat"
    )
    ids = torch.arange(3, 30)[None]
    with torch.no_grad():
        merged, expected = models.load_model(out)(ids).logits, model(ids).logits
        plain = models.load_model(tiny_folder)(ids).logits
    torch.testing.assert_close(merged, expected, rtol=1e-4, atol=1e-4)
    assert (merged - plain).abs().max() > 0.1
    assert ModelTokens(str(adapter)).context == ModelTokens("tiny").context


def test_a_folder_that_is_written_again_is_another_model(tiny_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    before = locate(str(copy))[1]
    assert before == locate(str(tiny_folder))[1]
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\1\2\3\4")
    assert locate(str(copy))[1] != before
    assert origin(str(copy)).startswith("folder copy (sha256 ")
