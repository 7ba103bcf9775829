"""A small run in a process of its own: `python store_process.py ACTION ROOT [ARG ...]`; tests
import it too.

The run has two stages. "base" writes weights; "respond" asks ten questions, one line of scratch for
each answer, and then writes them all. What is built and asked is also noted outside the store, next
to ROOT.
"""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from store_stages import Store, made_by

from suite.core.errors import UserError
from suite.store import Build, JsonlWriter, Stage, atomic_write, read_jsonl, write_json
from suite.store.locks import locked

QUESTIONS = 10


def note(root: Path, what: str) -> None:
    """Add a line to ROOT.log, in one system call."""
    with root.with_suffix(".log").open("ab", buffering=0) as file:
        file.write(f"{what}\n".encode())


def notes(root: Path) -> list[str]:
    log = root.with_suffix(".log")
    return log.read_text().split() if log.exists() else []


def plan(root: Path, size: int = 4000) -> Stage:
    """The stage "respond", which needs the stage "base" of `size` bytes."""

    def build_base(build: Build) -> None:
        note(root, "base")
        (build.out / "weights").mkdir()
        (build.out / "weights" / "model.bin").write_bytes(
            hashlib.shake_128(b"weights").digest(size)
        )
        write_json(build.out / "config.json", {"layers": 2})

    def build_respond(build: Build) -> None:
        note(root, "respond")
        weights = (build.inputs["model"] / "weights" / "model.bin").read_bytes()
        partial = build.scratch / "answers.jsonl"
        with JsonlWriter(partial) as log:
            for question in range(sum(1 for _ in read_jsonl(partial)), QUESTIONS):
                note(root, f"q{question}")
                log.append(
                    {
                        "id": question,
                        "text": hashlib.sha256(weights + bytes([question])).hexdigest(),
                    }
                )
        atomic_write(build.out / "answers.jsonl", partial.read_bytes())

    base = made_by(build_base, "base", {"size": size}, code=("suite.api.method",))
    asked = {"questions": QUESTIONS}
    return made_by(build_respond, "respond", asked, {"model": base}, label="ten answers")


def files_of(store: Store) -> dict[str, bytes]:
    """Every file of every finished stage, but the manifests, which hold times."""
    stages = store.root / "stages"
    paths = [path for path in stages.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return {str(path.relative_to(stages)): path.read_bytes() for path in paths}


def check_nothing_half_published(store: Store) -> None:
    """I1: nothing visible in the store lacks a valid manifest."""
    assert [problem for problem in store.verify() if problem.kind != "leftover"] == []


def run(root: Path) -> None:
    Store(root).ensure(plan(root))


def race(root: Path) -> None:
    """Say that we are there, wait for the start, and run."""
    note(root, "ready")
    while not root.with_suffix(".go").exists():
        time.sleep(0.001)
    run(root)


def count(root: Path) -> None:
    """Add 1 to a number in a file, forty times, under a lock."""
    number = root / "number"
    for _ in range(40):
        with locked(root / "lock"):
            number.write_text(str(int(number.read_text()) + 1))


def claim(root: Path) -> None:
    """Claim a stage, and die."""
    with Store(root).using([plan(root)]):
        os.kill(os.getpid(), signal.SIGKILL)


def drop(root: Path) -> None:
    """Make the stages, drop the weights, and make them again."""
    base = plan(root).inputs["model"]
    store = Store(root)
    store.make(base)
    store.drop(base, ["weights"])
    Store(root).make(base)


def orphan(root: Path) -> None:
    """Fork a child that outlives us, then die while holding the stage's lock."""

    def build(build: Build) -> None:
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        note(root, str(child))
        os.kill(os.getpid(), signal.SIGKILL)

    Store(root).ensure(made_by(build, "base", {}))


def limited(root: Path, limit: str, size: str) -> None:
    """Run with weights of `size` bytes where no file may grow beyond `limit` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    Store(root).ensure(plan(root, int(size)))


def full_log(root: Path, limit: str) -> None:
    """Append lines until the file may not grow any more, then make room and append one more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    with JsonlWriter(root / "log.jsonl") as log:
        try:
            for number in range(1000):
                log.append({"number": number})
        except OSError:
            print(number)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        log.append({"number": number})


def full_disk(root: Path) -> None:
    """Run on a small, really full file system, with one more free page every time, until it fits.

    Prints, for each attempt, "full" or "done".
    """
    for pages in range(200):
        ballast = root / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        os.truncate(ballast, ballast.stat().st_size // 4096 * 4096 - pages * 4096)
        store = Store(root / "store")
        try:
            store.ensure(plan(root))
        except UserError as error:
            print("full" if "No space left" in str(error) else error, flush=True)
        else:
            print("done", flush=True)
            return
        finally:
            check_nothing_half_published(store)
            ballast.unlink()
            shutil.rmtree(store.root)


ACTIONS: dict[str, Callable[..., None]] = {
    action.__name__: action
    for action in (run, race, count, claim, drop, orphan, limited, full_log, full_disk)
}

if __name__ == "__main__":
    try:
        ACTIONS[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)
