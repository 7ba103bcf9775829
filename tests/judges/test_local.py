"""Judge `local`: its verdict is the likelier letter, by the same model asked directly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from suite import Message, UserError
from suite.api.judge import Comparison
from suite.api.verdicts import Judged
from suite.judges.local import Local, LocalConfig
from suite.judges.prompts import LETTER, request
from suite.stages.context import Context

Run = Callable[..., dict[str, Judged]]


def test_the_likelier_letter_wins(
    tiny_folder: Path, tmp_path: Path, judged: Run, context: Context
) -> None:
    import torch

    from suite.model import folder as models
    from suite.model.encoding import Encoder

    folder = tmp_path / "judge"  # the same weights, with room for the instructions
    shutil.copytree(tiny_folder, folder)
    architecture = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps(architecture | {"max_position_embeddings": 2048})
    )
    config = LocalConfig(model=str(folder), template="{prompt}", max_length=2048)
    texts = {1: "In Belmora.", 2: "I do not know.", 3: "A baker from Arvik."}
    found = judged(Local(config, context), texts)
    model, encoder = (
        models.load_model(folder),
        Encoder(models.load_tokenizer(folder), "{prompt}", 2048),
    )
    for number, text in texts.items():
        comparison = Comparison(
            "q", (Message("user", f"Where is {number}?"),), text, "It is Arvik.", "helpfulness"
        )
        a = encoder.encode(request(comparison, LETTER), "A", "q")
        b = encoder.encode(request(comparison, LETTER), "B", "q")
        with torch.no_grad():
            logps = model(torch.tensor([a.prompt_ids])).logits[0, -1].log_softmax(-1)
        expected = "first" if logps[a.completion_ids[0]] > logps[b.completion_ids[0]] else "second"
        assert a.completion_ids[0] != b.completion_ids[0]
        assert found[f"t0/{number}/answer"].shown_first.choice == expected


def test_a_model_must_be_named(context: Context) -> None:
    with pytest.raises(UserError, match=r"judge_local.model=FOLDER"):
        Local(LocalConfig(), context)
