"""The pretrained model that speed is measured on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """SmolLM2-135M-Instruct as a model folder, named by SUITE_SMOLLM2."""
    folder = os.environ.get("SUITE_SMOLLM2")
    if not folder:
        pytest.skip("set SUITE_SMOLLM2 to a folder of SmolLM2-135M-Instruct")
    return Path(folder)
