"""What several test files share: the shared data folder and a small model folder with random weights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data: SUITE_SHARED, by default ../shared."""
    folder = Path(os.environ.get("SUITE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data: {folder}/data is absent (set SUITE_SHARED)")
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model with random weights, as a model folder."""
    from suite import models
    from suite.tiny.model import initial_model
    from suite.tiny.tokenizer import build

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = build()
    models.save_model(initial_model(tokenizer, seed=1), tokenizer, folder)
    return folder
