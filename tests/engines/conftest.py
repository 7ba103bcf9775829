"""The small Llama with random weights, and the same after it has learnt a few answers by heart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.small_models import save


@pytest.fixture(scope="session")
def random_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("random"), steps=0)


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("trained"), steps=40)
