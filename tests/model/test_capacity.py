"""How much room there is."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import pytest

from suite.model import capacity


def test_memory_is_the_machines_or_what_a_container_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "LIMITS", (str(tmp_path / "limit"),))
    assert capacity.memory_of("cpu") == pytest.approx(psutil.virtual_memory().total, rel=0.01)
    (tmp_path / "limit").write_text("max\n")
    assert capacity.memory_of("cpu") == pytest.approx(psutil.virtual_memory().total, rel=0.01)
    (tmp_path / "limit").write_text("1000000\n")
    assert capacity.memory_of("cpu") == 1_000_000


def test_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    free = capacity.free_disk(tmp_path / "a" / "b")
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)
