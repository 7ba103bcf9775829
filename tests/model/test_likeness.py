"""What is read of models without loading them: sizes, vocabulary, tokenizer, template."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.model.likeness import Likeness, likeness_of

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def changed(tiny_folder: Path, tmp_path: Path) -> Callable[[str, Change], Likeness]:
    def change(name: str, how: Change) -> Likeness:
        folder = shutil.copytree(tiny_folder, tmp_path / "changed")
        content = json.loads((folder / name).read_text())
        how(content)
        (folder / name).write_text(json.dumps(content))
        return likeness_of(folder)

    return change


def test_a_model_is_like_its_copy(tiny_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    assert likeness_of(copy).differs(likeness_of(tiny_folder), chat=True) == ""


def test_settings_that_change_no_number_do_not_count(
    tiny_folder: Path, changed: Callable[[str, Change], Likeness]
) -> None:
    other = changed("config.json", lambda config: config.update(dtype="bfloat16", use_cache=False))
    assert other.differs(likeness_of(tiny_folder), chat=True) == ""


def test_sizes(tiny_folder: Path, changed: Callable[[str, Change], Likeness]) -> None:
    other = changed("config.json", lambda config: config.update(num_hidden_layers=4))
    assert other.differs(likeness_of(tiny_folder), chat=True) == (
        "another architecture (num_hidden_layers 4, not 3)"
    )


def test_how_texts_are_cut(tiny_folder: Path, changed: Callable[[str, Change], Likeness]) -> None:
    other = changed("tokenizer.json", lambda known: known.update(normalizer={"type": "Lowercase"}))
    assert other.differs(likeness_of(tiny_folder), chat=True) == "another tokenizer"


def test_a_further_token_is_no_other_vocabulary(
    tiny_folder: Path, changed: Callable[[str, Change], Likeness]
) -> None:
    """A pad token that fine-tuning added changes the reading of no text."""

    def further(known: dict[str, Any]) -> None:
        known["added_tokens"].append({**known["added_tokens"][0], "id": 9999, "content": "<new>"})

    assert changed("tokenizer.json", further).differs(likeness_of(tiny_folder), chat=True) == ""


def test_the_template_counts_where_it_is_used(tiny_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    (copy / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    own, other = likeness_of(copy), likeness_of(tiny_folder)
    assert own.differs(other, chat=True) == "another chat template"
    assert own.differs(other, chat=False) == ""


def write_gguf(path: Path, layers: int, tokens: list[str]) -> Path:
    """The header of a model file, without weights."""
    from gguf import GGUFWriter

    writer = GGUFWriter(str(path), "llama")
    writer.add_block_count(layers)
    writer.add_embedding_length(128)
    writer.add_token_list(tokens)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_a_gguf_file_is_compared_by_its_header(tiny_folder: Path, tmp_path: Path) -> None:
    folder = likeness_of(tiny_folder)
    assert folder.vocabulary is not None
    tokens = sorted(folder.vocabulary, key=folder.vocabulary.__getitem__)
    same = likeness_of(write_gguf(tmp_path / "same.gguf", 3, tokens))
    assert same.differs(folder, chat=True) == ""
    deep = likeness_of(write_gguf(tmp_path / "deep.gguf", 4, tokens))
    assert deep.differs(folder, chat=True) == "another architecture (num_hidden_layers 4, not 3)"
    swapped = [*tokens[:-2], tokens[-1], tokens[-2]]
    other = likeness_of(write_gguf(tmp_path / "other.gguf", 3, swapped))
    assert other.differs(folder, chat=True).startswith("another vocabulary (")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    with pytest.raises(UserError, match="not readable as a GGUF file"):
        likeness_of(tmp_path / "broken.gguf")


def test_an_adapter_folder_is_as_its_base(tiny_folder: Path, tmp_path: Path) -> None:
    base = {"base_model_name_or_path": str(tiny_folder)}
    (tmp_path / "adapter_config.json").write_text(json.dumps(base))
    assert likeness_of(tmp_path) == likeness_of(tiny_folder)
