from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("store_process.py")
REPOSITORY = Path(__file__).parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start store_process.py; processes that a failing test leaves are ended."""
    processes: list[subprocess.Popen[str]] = []

    def start(
        *arguments: object, fault: str = "", before: tuple[str, ...] = ()
    ) -> subprocess.Popen[str]:
        command = [*before, sys.executable, str(SCRIPT), *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "SUITE_FAULT": fault}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        processes.append(subprocess.Popen(command, env=environment, text=True, **pipes))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def can_mount(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip, saying so, where this process may not mount a file system of its own."""
    folder = tmp_path_factory.mktemp("mount")
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "none", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"may not mount file systems here: {error}")
