"""A whole run that takes seconds: random weights, the generated world as files, few rows, one
epoch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.tiny import world

Suite = Callable[..., subprocess.CompletedProcess[str]]


def write_tables(folder: Path) -> Path:
    """The generated world in the files of TOFU."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in world.names():
        lines = (json.dumps(row) + "\n" for row in world.tables(name))
        (folder / f"{name}.json").write_text("".join(lines))
    return folder


@pytest.fixture(scope="session")
def world_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def quick(tiny_folder: Path, world_folder: Path) -> list[str]:
    """Flags of the quick run."""
    sets = {
        "tofu.retain_authors": "3",
        "finetune.epochs": "1",
        "finetune.lr": "1e-3",
        "train.epochs": "2",
        "train.lr": "1e-3",
        "train.batch_size": "16",
        "checkpoint_seconds": "0",
    }
    flags = [
        "--bench",
        "tofu",
        "--model",
        str(tiny_folder),
        "--data",
        str(world_folder),
        "--dtype",
        "float32",
        "--limit",
        "8",
    ]
    return [*flags, *(part for item in sets.items() for part in ("--set", "=".join(item)))]


def suite(
    *arguments: str, store: Path, fault: str = "", **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    environ = {
        **os.environ,
        "SUITE_STORE": str(store),
        "SUITE_FAULT": fault,
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "suite.cli", *arguments]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=600, check=False, **options
    )


def metrics(out: Path) -> dict[str, Any]:
    """Everything measured, by method: what two runs must agree on."""
    cells = json.loads((out / "results.json").read_text())["cells"]
    return {
        c["cell"]["method"]: (c["status"], c["metrics"], c["best"], c["trajectory"]) for c in cells
    }
