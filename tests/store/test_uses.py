"""Dropping and removing: what a process uses stays, what is dropped is made again, a crash leaves
no half."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from store_process import check_nothing_half_published
from store_stages import Store, made_by

from suite.core.errors import MissingError, UserError
from suite.store import Build, Stage, uses
from suite.store.inventory import find_manifest, inventory, remove

Start = Callable[..., "subprocess.Popen[str]"]
Made = list[str]


def stages(made: Made) -> tuple[Stage, Stage, Stage]:
    """A training of two epochs, and an answer to each."""

    def train(build: Build) -> None:
        made.append("train")
        for epoch in ("epoch-1", "epoch-2"):
            (build.out / epoch).mkdir()
            (build.out / epoch / "model.bin").write_bytes(epoch.encode() * 1000)
        (build.out / "log.jsonl").write_text("{}\n")

    training = made_by(train, "train", {"lr": 1})

    def answer(epoch: str) -> Stage:
        def respond(build: Build) -> None:
            made.append(epoch)
            weights = (build.inputs["model"] / epoch / "model.bin").read_bytes()
            (build.out / "answers").write_bytes(weights[:20])

        asked = made_by(respond, "respond", {"epoch": epoch}, {"model": training})
        object.__setattr__(asked, "reads", {"model": epoch})
        return asked

    return training, answer("epoch-1"), answer("epoch-2")


@pytest.fixture
def made() -> Made:
    return []


def test_what_is_dropped_is_made_again_when_it_is_read_and_only_then(
    root: Path, made: Made
) -> None:
    training, first, second = stages(made)
    store = Store(root)
    store.ensure(first)
    assert store.drop(training, ["epoch-1"])
    folder = store.path(training)
    assert sorted(path.name for path in folder.iterdir()) == [
        "epoch-2",
        "log.jsonl",
        "manifest.json",
    ]
    check_nothing_half_published(store)
    Store(root).ensure(second)
    assert made == ["train", "epoch-1", "epoch-2"]

    assert store.drop(training, ["epoch-2"])
    (store.path(second) / "manifest.json").unlink()
    (store.path(second) / "answers").unlink()
    store.path(second).rmdir()
    Store(root).ensure(second)
    assert made[3:] == ["train", "epoch-2"]
    assert (folder / "epoch-1").is_dir()
    assert store.verify() == []


def test_making_a_key_restores_all_that_was_dropped(root: Path, made: Made) -> None:
    training = stages(made)[0]
    store = Store(root)
    store.ensure(training)
    before = store.manifest(training).content
    store.drop(training, ["epoch-1", "epoch-2"])
    assert store.manifest(training).content == before
    Store(root).make(training)
    assert made == ["train", "train"]
    assert store.manifest(training).content == before
    assert store.manifest(training).dropped == []


def test_an_input_made_again_with_another_result_is_reported(root: Path, made: Made) -> None:
    training, first, _ = stages(made)
    store = Store(root)
    store.ensure(first)
    store.drop(training, ["epoch-1"])

    def other(build: Build) -> None:
        (build.out / "epoch-1").mkdir()
        (build.out / "epoch-1" / "model.bin").write_bytes(b"other")

    said: list[str] = []
    again = made_by(other, "train", {"lr": 1})
    Store(root, lambda stage, event, seconds: said.append(event)).make(again)
    assert said == ["building", "built", "differs"]
    assert [problem.kind for problem in store.verify()] == ["not reproduced"]


def test_what_another_process_uses_stays(root: Path, made: Made) -> None:
    training, *_ = stages(made)
    store, other = Store(root), Store(root)
    store.ensure(training)
    with other.using([training]):
        assert not store.drop(training, ["epoch-1"])
        assert [gone for _, gone in remove(root, inventory(root))] == [False]
        with store.using([training]):
            pass
    with store.using([training]):  # one's own use does not count
        assert store.drop(training, ["epoch-1"])
    assert list((root / "uses").iterdir()) == []


def test_the_claim_of_a_killed_process_does_not_count(root: Path, start: Start) -> None:
    process = start("claim", root)
    process.wait(60)
    assert process.returncode == -signal.SIGKILL
    assert len(list((root / "uses").iterdir())) == 1
    with uses.removing(root) as used:
        assert used == frozenset()


@pytest.mark.parametrize("fault", ["drop.before_rename", "publish.between_renames"])
def test_a_crash_leaves_a_whole_stage_or_none(root: Path, start: Start, fault: str) -> None:
    process = start("drop", root, fault=f"{fault}=kill")
    process.wait(60)
    assert process.returncode == -signal.SIGKILL
    store = Store(root)
    check_nothing_half_published(store)
    again = start("drop", root)
    again.wait(60)
    assert again.returncode == 0
    assert store.verify() == []


def test_removing_frees_the_space_and_finds_what_a_crash_left(root: Path, made: Made) -> None:
    training, first, _ = stages(made)
    store = Store(root)
    store.ensure(first)
    scratch = root / "scratch" / "train" / ("0" * 64)
    scratch.mkdir(parents=True)
    (scratch / "step").write_bytes(b"12345")
    entries = inventory(root)
    assert {(entry.kind, entry.finished) for entry in entries} == {
        ("train", True),
        ("respond", True),
        ("train", False),
    }
    assert sum(e.size for e in entries if e.key == training.key) > 14000
    trainings = [entry for entry in entries if entry.kind == "train"]
    assert all(gone for _, gone in remove(root, trainings))
    assert not store.has(training) and not scratch.exists()
    assert store.has(first)
    assert find_manifest(root, first.key[:8]).key == first.key
    with pytest.raises(MissingError, match="no entry whose key begins with"):
        find_manifest(root, training.key)


def test_a_short_key_must_be_the_only_one(root: Path, made: Made) -> None:
    Store(root).ensure(stages(made)[1])
    with pytest.raises(UserError, match="has 2 entries"):
        find_manifest(root, "")
