"""kill -9 and SIGTERM, in training and in generation, with real processes: the numbers stay the
same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run.conftest import metrics, suite

METHODS = ("--methods", "npo_rt")


@pytest.fixture(scope="module")
def uninterrupted(
    quick: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[str], dict[str, object]]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    done = suite("run", *quick, *METHODS, "--out", str(folder / "out"), store=folder / "store")
    assert done.returncode == 0, done.stderr
    return quick, metrics(folder / "out")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("checkpoint.write:3=kill", -9),
        ("jsonl.append:2=kill", -9),
        ("train.step:2=term", 143),
    ],
)
def test_the_same_command_ends_in_the_same_numbers(
    uninterrupted: tuple[list[str], dict[str, object]], tmp_path: Path, fault: str, status: int
) -> None:
    flags, expected = uninterrupted
    command = ("run", *flags, *METHODS, "--out", str(tmp_path / "out"))
    broken = suite(*command, store=tmp_path / "store", fault=fault)
    assert broken.returncode == status, broken.stderr
    resumed = suite(*command, store=tmp_path / "store")
    assert resumed.returncode == 0, resumed.stderr
    assert metrics(tmp_path / "out") == expected
    left = [
        p
        for name in ("tmp", "scratch")
        for p in (tmp_path / "store" / name).rglob("*")
        if p.is_file()
    ]
    assert left == []
    verified = suite("verify", store=tmp_path / "store")
    assert verified.returncode == 0, verified.stdout
