"""Commands that read what runs have left never import torch, which takes seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.model import devices, hardware

COMMAND = """
import sys
from suite.cli import main
status = main(sys.argv[1:])
assert "torch" not in sys.modules, "torch was imported"
sys.exit(status)
"""


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, world_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small finished run."""
    folder = tmp_path_factory.mktemp("finished")
    sets = ("tofu.retain_authors=3", "finetune.epochs=1", "train.epochs=1", "train.batch_size=16")
    flags = [part for each in sets for part in ("--set", each)]
    flags += ["--model", str(tiny_folder), "--data", str(world_folder), "--dtype", "auto"]
    command = [sys.executable, "-m", "suite.cli", "run", "--methods", "ga", "--bench", "tofu"]
    done = subprocess.run(
        [*command, *flags, "--limit", "2", "--out", str(folder / "run")],
        env={**os.environ, "SUITE_STORE": str(folder / "store")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        "list",
        "list npo",
        "plan --config {run}/config.toml",
        "plan --methods npo,npo_rt --config {run}/config.toml",
        "report {run}",
        "score {run}",
        "config show",
        "config schema",
        "store list",
        "store where {run} --method ga",
        "export {run} --format csv",
        "push {run} me/answers --dry-run",
        "verify",
    ],
)
def test_torch_is_not_imported(folder: Path, arguments: str) -> None:
    command = [sys.executable, "-c", COMMAND, *arguments.format(run=folder / "run").split()]
    environ = {**os.environ, "SUITE_STORE": str(folder / "store")}
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_processor_is_judged_as_torch_does() -> None:
    import torch

    ours = devices.cpu_has_bf16()
    assert ours == (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    assert hardware.native_bf16("cpu") == ours


def test_the_build_of_torch_is_read_from_its_version_file() -> None:
    import torch

    assert devices.built_for_cpu() == (torch.version.cuda is None and torch.version.hip is None)


def test_another_process_answers_as_torch_does_here() -> None:
    assert list(devices._asked_elsewhere()) == devices.ask_torch()
