"""How texts are cut before any model is loaded: as the model's own tokenizer cuts them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from suite import UserError
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
