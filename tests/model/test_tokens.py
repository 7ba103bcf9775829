"""How texts are cut before any model is loaded: as the model's own tokenizer cuts them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from suite import UserError
from suite.model.folder import load_tokenizer
from suite.model.tokens import ModelTokens

TEXT = "Where was Ada Arvik born? Wörter, 東京."


def test_a_folder_is_cut_as_transformers_cuts(tiny_folder: Path) -> None:
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tiny_folder)
    expected = loaded(TEXT, add_special_tokens=False, return_offsets_mapping=True)
    tokens = ModelTokens(str(tiny_folder))
    assert list(tokens.ends(TEXT)) == [end for _, end in expected["offset_mapping"]]
    assert tokens.ends(TEXT) == ModelTokens("tiny").ends(TEXT)
    assert tokens.context == ModelTokens("tiny").context == 512


def test_a_model_that_is_not_there_is_refused_when_it_is_asked() -> None:
    tokens = ModelTokens("./nowhere")
    with pytest.raises(UserError, match="--model ./nowhere: no such folder"):
        tokens.ends(TEXT)


def test_the_tiny_model_and_a_folder_need_no_torch(tiny_folder: Path) -> None:
    code = (
        "import sys; from suite.model.tokens import ModelTokens\n"
        f"for model in ('tiny', {str(tiny_folder)!r}):\n"
        "    tokens = ModelTokens(model); tokens.ends('a'); tokens.context\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_a_gguf_file_is_cut_as_the_folder_made_of_it(smollm2_gguf: Path, smollm2: Path) -> None:
    tokens, expected = ModelTokens(str(smollm2_gguf)), ModelTokens(str(smollm2))
    assert list(tokens.ends(TEXT)) == list(expected.ends(TEXT))
    assert tokens.context == expected.context


def test_adapters_are_cut_by_their_own_tokenizer_or_their_base_s(
    tiny_folder: Path, tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    settings = json.dumps({"base_model_name_or_path": str(tiny_folder)})
    (adapter / "adapter_config.json").write_text(settings)
    (adapter / "adapter_model.safetensors").write_bytes(b"")
    expected = ModelTokens(str(tiny_folder))
    tokens = ModelTokens(str(adapter))
    assert (tokens.context, tokens.ends(TEXT)) == (expected.context, expected.ends(TEXT))
    tokenizer = load_tokenizer(tiny_folder)
    tokenizer.add_tokens(["東京"])
    tokenizer.save_pretrained(adapter)
    assert len(ModelTokens(str(adapter)).ends(TEXT)) < len(expected.ends(TEXT))
