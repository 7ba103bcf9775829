"""Where a run writes: checked at the start, named, and never mixed with earlier runs."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from suite.cli import main
from suite.config import resolve
from suite.core.errors import UserError
from suite.registry import Registry
from suite.run import pipeline
from suite.settings import RunConfig
from tests.run.conftest import suite

BANDIT = ("--bench", "bandit", "--set", "bandit.steps=2", "--set", "bandit.runs=1")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def config(registry: Registry, store: Path, out: Path, methods: str = "dpo") -> RunConfig:
    flags = {"methods": methods, "bench": "bandit", "store": str(store), "out": str(out)}
    return resolve(registry, None, flags, ["bandit.steps=2", "bandit.runs=1"], {})


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("a-file", "a-file is a file, not a folder"),
        ("a-file/runs/x", "a-file is a file, not a folder"),
        ("taken", "taken/results.json is a folder where the run writes a file"),
        ("mixed", "mixed/samples is a file where the run makes a folder"),
        ("x" * 300, "File name too long"),
        ("a\0b", "null"),
    ],
)
def test_a_folder_that_cannot_take_the_results_is_refused_before_anything_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str, said: str
) -> None:
    (tmp_path / "a-file").write_text("")
    (tmp_path / "taken" / "results.json").mkdir(parents=True)
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "samples").write_text("")
    before = sorted(tmp_path.rglob("*"))
    flags = ("--store", str(tmp_path / "store"), "--out", f"{tmp_path}/{out}")
    assert main(["run", *BANDIT, "--methods", "dpo", *flags]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("suite: error: --out ")
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_store_that_cannot_be_written_is_refused_in_the_same_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").write_text("")
    flags = ("--store", f"{tmp_path}/a-file/store", "--out", f"{tmp_path}/out")
    assert main(["run", *BANDIT, "--methods", "dpo", *flags]) == 2
    assert "a-file is a file, not a folder; choose another with --store" in capsys.readouterr().err


def test_a_folder_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry, store: Path
) -> None:
    """Root may write anywhere, so the answer of the operating system is put in its place."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(UserError, match=f"^--out {tmp_path}/out: {tmp_path} cannot be written$"):
        pipeline.run(config(registry, store, tmp_path / "out"), registry)


def test_a_disk_that_is_full_at_the_end_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry, store: Path
) -> None:
    from suite import report

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "out/results.json"))

    monkeypatch.setattr(report, "write", full)
    with pytest.raises(UserError, match=r"^cannot write .*results.json: No space left on device;"):
        pipeline.run(config(registry, store, tmp_path / "out"), registry)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_cannot_show_the_table_loses_nothing(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    flags = ("--methods", "dpo", "--out", str(tmp_path / "out"))
    done = suite("run", *BANDIT, *flags, store=store, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert "Rank" in done.stdout and "dpo" in done.stdout
    assert str(tmp_path / "out") in done.stdout.splitlines()[-1]


def test_every_run_has_a_name_and_latest_points_at_the_last(
    tmp_path: Path, registry: Registry, store: Path
) -> None:
    latest = tmp_path / "runs" / "latest"
    first = pipeline.run(config(registry, store, latest), registry).report
    second = pipeline.run(config(registry, store, latest, "dpo,ipo"), registry).report
    assert first.parent == second.parent == latest.parent
    assert first.name.endswith("_bandit_dpo") and second.name.endswith("_bandit_dpo-ipo")
    assert first.name[:4].isdigit()
    assert latest.is_symlink() and latest.resolve() == second.resolve()
    assert (first / "results.json").is_file()
    assert (latest / "results.json").is_file()
    third = pipeline.run(config(registry, store, latest), registry).report
    assert len({first, second, third}) == 3


def test_a_folder_that_an_earlier_version_called_latest_is_kept(
    tmp_path: Path, registry: Registry, store: Path
) -> None:
    latest = tmp_path / "latest"
    latest.mkdir()
    (latest / "results.json").write_text("old")
    pipeline.run(config(registry, store, latest), registry)
    assert latest.is_symlink()
    (kept,) = tmp_path.glob("*_earlier")
    assert (kept / "results.json").read_text() == "old"


def test_answers_of_an_earlier_run_do_not_stay(
    tmp_path: Path, registry: Registry, store: Path
) -> None:
    samples = tmp_path / "out" / "samples"
    samples.mkdir(parents=True)
    (samples / "ga__tofu__forget10__tiny__seed0.jsonl").write_text("{}\n")
    (samples / "notes.jsonl").write_text("mine\n")
    pipeline.run(config(registry, store, tmp_path / "out"), registry)
    assert [path.name for path in samples.iterdir()] == ["notes.jsonl"]
    assert json.loads((tmp_path / "out" / "results.json").read_text())["cells"]
