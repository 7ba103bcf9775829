"""kill -9, a full disk and a read-only disk at every point, with real processes."""

from __future__ import annotations

import errno
import os
import signal
import threading
from pathlib import Path

import pytest
from store_process import QUESTIONS, check_nothing_half_published, files_of, notes, plan
from store_stages import Store

from suite.core.errors import UserError
from suite.store import atomic_write, read_jsonl
from suite.store.locks import is_held

POINTS = ["build.begin", "write.before_rename", "publish.before_manifest", "publish.before_rename",
          "publish.after_rename", "publish.before_cleanup"]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("undisturbed") / "store"
    Store(root).ensure(plan(root))
    return files_of(Store(root))


def leftovers(root: Path) -> list[Path]:
    left = [path for folder in ("tmp", "locks", "scratch") for path in (root / folder).rglob("*")]
    return [path for path in left if path.parent != root / "scratch"]  # scratch/<kind> stays


@pytest.mark.parametrize(
    "fault", [f"{point}:{n}" for point in POINTS for n in (1, 2)] + ["jsonl.append:4"]
)
def test_killed_anywhere_the_next_run_gives_the_same_bytes(root, start, undisturbed, fault):
    killed = start("run", root, fault=f"{fault}=kill")
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    check_nothing_half_published(Store(root))

    Store(root).ensure(plan(root))
    assert files_of(Store(root)) == undisturbed
    Store(root).ensure(plan(root))  # A process starts, and cleans up, even if all is there.
    assert leftovers(root) == []
    assert Store(root).verify() == []


def test_answers_that_were_there_are_not_asked_for_again(root, start):
    start("run", root, fault="jsonl.append:4=kill").communicate(timeout=60)
    partial = root / "scratch" / "respond" / plan(root).key / "answers.jsonl"
    assert [answer["id"] for answer in read_jsonl(partial)] == [0, 1, 2]

    store = Store(root)
    store.ensure(plan(root))
    asked = [entry for entry in notes(root) if entry.startswith("q")]
    assert asked == ["q0", "q1", "q2", "q3"] + [f"q{n}" for n in range(3, QUESTIONS)]
    assert store.manifest(plan(root)).timings["resumed"] is True


@pytest.mark.parametrize("fault", [f"{point}:{n}" for point in POINTS[:-2] for n in (1, 2)])
def test_a_full_disk_is_one_line_and_leaves_nothing_half_done(root, start, undisturbed, fault):
    process = start("run", root, fault=f"{fault}=enospc")
    _, said = process.communicate(timeout=60)
    assert process.returncode == UserError.exit_status, said
    assert said.count("\n") == 1
    assert os.strerror(errno.ENOSPC) in said
    check_nothing_half_published(Store(root))
    assert list((root / "tmp").iterdir()) == list((root / "locks").iterdir()) == []
    Store(root).ensure(plan(root))
    assert files_of(Store(root)) == undisturbed


def test_a_really_full_disk(root, start, can_mount):
    """One free page more each time, so that every write fails once."""
    root.mkdir()
    mounted = 'mount -t tmpfs -o size=256k none "$4" && exec "$@"'
    process = start("full_disk", root, before=("unshare", "-m", "sh", "-c", mounted, "sh"))
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    attempts = said.split()
    assert attempts[-1] == "done"
    assert attempts[:-1] == ["full"] * len(attempts[:-1])
    assert len(attempts) > 5


@pytest.mark.parametrize(("limit", "size"), [(3999, 4000), (500, 100)])
def test_files_that_may_not_grow(root, start, limit, size):
    """First the weights do not fit, then the manifest does not."""
    process = start("limited", root, limit, size)
    _, said = process.communicate(timeout=60)
    assert process.returncode == UserError.exit_status
    assert os.strerror(errno.EFBIG) in said
    assert files_of(Store(root)) == {}
    assert list((root / "tmp").iterdir()) == []


def test_a_read_only_store_can_be_read_but_not_added_to(root, start, can_mount):
    Store(root).ensure(plan(root).inputs["model"])
    read_only = 'mount --bind "$4" "$4" && mount -o remount,ro,bind "$4" && exec "$@"'
    process = start("run", root, before=("unshare", "-m", "sh", "-c", read_only, "sh"))
    _, said = process.communicate(timeout=60)
    assert process.returncode == UserError.exit_status
    assert os.strerror(errno.EROFS) in said
    assert said.count("\n") == 1

    Store(root).ensure(plan(root))
    process = start("run", root, before=("unshare", "-m", "sh", "-c", read_only, "sh"))
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


@pytest.mark.parametrize("name", ["tmp", "locks", "scratch", "stages"])
def test_a_file_where_a_folder_should_be(root, name):
    root.mkdir()
    (root / name).write_text("in the way")
    with pytest.raises(UserError, match=str(root / name)):
        Store(root).ensure(plan(root))


def test_many_racers_build_once(root, start, undisturbed):
    racers = [start("race", root) for _ in range(8)]
    while notes(root).count("ready") < len(racers):
        assert all(racer.poll() is None for racer in racers)
    root.with_suffix(".go").touch()
    for racer in racers:
        assert racer.communicate(timeout=60) == ("", "")
        assert racer.returncode == 0
    done = [entry for entry in notes(root) if entry != "ready"]
    assert done == ["base", "respond", *(f"q{n}" for n in range(QUESTIONS))]
    assert files_of(Store(root)) == undisturbed
    assert leftovers(root) == []


def test_a_killed_lock_owner_is_succeeded(root, start):
    owner = start("run", root, fault="build.begin=hang")
    assert "hanging" in owner.stdout.readline()
    events: list[str] = []
    waits = threading.Event()

    def observe(stage, event, seconds):
        events.append(event)
        waits.set()

    base = plan(root).inputs["model"]
    successor = threading.Thread(target=Store(root, observe).ensure, args=(base,), daemon=True)
    successor.start()
    assert waits.wait(30)
    assert events == ["waiting"]
    owner.kill()
    successor.join(30)
    assert events == ["waiting", "building", "built"]


def test_a_forked_child_does_not_keep_the_lock_of_its_dead_parent(root, start):
    process = start("orphan", root)
    process.wait(60)
    child = int(notes(root)[0])
    try:
        os.kill(child, 0)
        [lock] = (root / "locks").iterdir()
        assert not is_held(lock)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_file_keeps_its_old_content_when_its_writer_dies(tmp_path):
    report = tmp_path / "report.md"
    atomic_write(report, "old")
    child = os.fork()
    if child == 0:
        os.environ["SUITE_FAULT"] = "write.before_rename=kill"
        atomic_write(report, "new")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert report.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    atomic_write(report, "newer")
    assert report.read_text() == "newer"
    assert list(tmp_path.iterdir()) == [report]
