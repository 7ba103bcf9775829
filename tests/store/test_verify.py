"""Nothing damaged is used: every way to damage a stage is found by `ensure` and by `verify`."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from store_process import plan
from store_stages import Store, made_by

from suite.core.errors import CorruptError, UserError
from suite.store import SCHEMA_VERSION, Build, Stage, digest
from suite.store.locks import locked


def flip_a_bit(folder: Path) -> Path:
    path = folder / "weights" / "model.bin"
    data = bytearray(path.read_bytes())
    data[1234] ^= 1
    path.write_bytes(data)
    return path


def truncate(folder: Path) -> Path:
    path = folder / "weights" / "model.bin"
    os.truncate(path, path.stat().st_size - 1)
    return path


def empty(folder: Path) -> Path:
    path = folder / "config.json"
    os.truncate(path, 0)
    return path


def delete(folder: Path) -> Path:
    path = folder / "config.json"
    path.unlink()
    return path


def add(folder: Path) -> Path:
    path = folder / "weights" / "model-00002.bin"
    path.write_bytes(b"not ours")
    return path


def link(folder: Path) -> Path:
    """The same bytes, but outside of the store."""
    path = folder / "weights" / "model.bin"
    outside = folder.parents[2].with_name("outside.bin")
    path.rename(outside)
    path.symlink_to(outside)
    return path


def edit(change: Callable[[dict], object], *, honest: bool = False) -> Callable[[Path], Path]:
    """Edit the manifest; `honest`: with its own digest made right again."""

    def edit(folder: Path) -> Path:
        path = folder / "manifest.json"
        values = json.loads(path.read_text())
        change(values)
        if honest:
            del values["sha256"]
            values["sha256"] = digest(values)
        path.write_text(json.dumps(values))
        return path

    return edit


def garble(folder: Path) -> Path:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:-10])
    return path


def replace_by_list(folder: Path) -> Path:
    path = folder / "manifest.json"
    path.write_text("[]")
    return path


DAMAGES = {
    "flipped bit": flip_a_bit,
    "truncated": truncate,
    "emptied": empty,
    "deleted": delete,
    "added": add,
    "link out of the store": link,
    "spec edited": edit(lambda values: values["spec"].update(size=1)),
    "spec edited, digest too": edit(lambda values: values["spec"].update(size=1), honest=True),
    "code edited, digest too": edit(lambda values: values["code"].clear(), honest=True),
    "timings edited": edit(lambda values: values["timings"].update(wall_seconds=0.1)),
    "size edited": edit(lambda values: values["files"]["config.json"].update(size=5)),
    "hash edited, digest too": edit(
        lambda v: v["files"]["config.json"].update(sha256="0" * 64), honest=True
    ),
    "file forgotten, digest too": edit(
        lambda values: values["files"].pop("config.json"), honest=True
    ),
    "field missing, digest too": edit(lambda values: values.pop("created"), honest=True),
    "path trick, digest too": edit(
        lambda values: values["files"].update({"../../x": values["files"].pop("config.json")}),
        honest=True,
    ),
    "no schema": edit(lambda values: values.pop("schema_version")),
    "malformed manifest": garble,
    "manifest is a list": replace_by_list,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_named_and_never_used(root, damage):
    stage = plan(root).inputs["model"]
    folder = Store(root).ensure(stage)
    assert Store(root).verify() == []
    path = damage(folder)
    if (
        path.name == "manifest.json"
    ):  # Where the edited manifest can be believed, one of the files is wrong.
        path = folder

    with pytest.raises(CorruptError, match=str(path)) as error:
        Store(root).ensure(plan(root))
    assert "\n" not in str(error.value)
    assert "delete" in str(error.value) or "not valid JSON" in str(error.value)
    problems = Store(root).verify()
    assert {problem.kind for problem in problems} == {"corrupt"}
    assert any(str(path) in str(problem) for problem in problems)

    shutil.rmtree(folder)  # As the message says.
    Store(root).ensure(plan(root))
    assert Store(root).verify() == []


def test_a_newer_schema_asks_for_an_upgrade(root):
    stage = plan(root).inputs["model"]
    folder = Store(root).ensure(stage)
    edit(lambda values: values.update(schema_version=SCHEMA_VERSION + 1, news=1), honest=True)(
        folder
    )
    with pytest.raises(UserError, match="upgrade") as error:
        Store(root).ensure(stage)
    assert error.value.exit_status == 2
    assert [problem.kind for problem in Store(root).verify()] == ["newer"]


def test_a_stage_that_is_a_link(root, tmp_path):
    stage = plan(root).inputs["model"]
    folder = Store(root).ensure(stage)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptError, match="link"):
        Store(root).ensure(stage)
    assert [problem.kind for problem in Store(root).verify()] == ["corrupt"]


def test_a_stage_in_the_wrong_place(root):
    stage, other = (made_by(lambda build: None, "base", {"n": n}) for n in (1, 2))
    folder = Store(root).ensure(stage)
    shutil.copytree(folder, Store(root).path(other))
    with pytest.raises(CorruptError, match="another stage"):
        Store(root).ensure(other)
    assert [problem.path.parent for problem in Store(root).verify()] == [Store(root).path(other)]


def test_a_folder_without_a_manifest(root):
    stage = plan(root).inputs["model"]
    folder = Store(root).ensure(stage)
    (folder / "manifest.json").unlink()
    assert not Store(root).has(stage)
    with pytest.raises(CorruptError, match="delete it"):
        Store(root).ensure(stage)
    assert [problem.kind for problem in Store(root).verify()] == ["corrupt"]


def test_strangers_are_listed(root):
    Store(root).ensure(plan(root))
    (root / "stages" / "note.txt").write_text("hello")
    (root / "stages" / "base" / "model").mkdir()
    (root / "tmp" / "base.00.1234").mkdir()
    assert [(problem.path.name, problem.kind) for problem in Store(root).verify()] == [
        ("model", "corrupt"), ("note.txt", "corrupt"), ("base.00.1234", "leftover"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip_a_bit, "SHA-256"),
        (truncate, "3999 bytes instead of 4000"),
        (delete, "missing"),
        (link, "link"),
        (add, "not in the manifest"),
    ],
)
def test_the_damage_is_described(root, damage, said):
    damage(Store(root).ensure(plan(root).inputs["model"]))
    [problem] = Store(root).verify()
    assert said in problem.message


def test_lock_files_of_dead_processes_go(root):
    Store(root).ensure(plan(root))
    (root / "locks" / "train.00").touch()
    with locked(root / "locks" / "train.11"):
        Store(root).ensure(plan(root))
        assert [path.name for path in (root / "locks").iterdir()] == ["train.11"]


def test_checked_once_per_process(root):
    events: list[str] = []
    Store(root).ensure(plan(root))
    store = Store(root, lambda stage, event, seconds: events.append(event))
    store.ensure(plan(root))
    store.ensure(plan(root))
    assert events == ["cached"]


@pytest.mark.parametrize("write", [
    lambda out: (out / "a").symlink_to("/etc/hostname"),
    lambda out: os.mkfifo(out / "a"),
    lambda out: (out / "manifest.json").write_text("{}"),
], ids=["link", "fifo", "manifest"])  # fmt: skip
def test_only_regular_files_are_stored(root, write):
    stage = made_by(lambda build: write(build.out), "base", {})
    with pytest.raises(UserError, match=r"regular file|another name"):
        Store(root).ensure(stage)
    assert not Store(root).path(stage).exists()
    assert list((root / "tmp").iterdir()) == []


def test_a_build_that_raises_keeps_its_scratch_and_nothing_else(root):
    def build(build: Build) -> None:
        (build.out / "half").write_text("half")
        (build.scratch / "step-5").write_text("state")
        raise RuntimeError("out of luck")

    stage = made_by(build, "train", {})
    with pytest.raises(RuntimeError, match="out of luck"):
        Store(root).ensure(stage)
    left = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    assert left == [f"scratch/train/{stage.key}/step-5"]
    assert [problem.kind for problem in Store(root).verify()] == ["leftover"]


def random_stage() -> Stage:
    """A stage that comes out different every time."""
    return made_by(lambda build: (build.out / "a").write_bytes(os.urandom(8)) and None, "base", {})


def test_an_input_that_came_out_different_is_reported(root):
    base = random_stage()
    derived = made_by(lambda build: None, "train", {}, {"base": base})
    Store(root).ensure(derived)
    shutil.rmtree(Store(root).path(base))
    assert Store(root).verify() == []
    Store(root).ensure(base)
    [problem] = Store(root).verify()
    assert (problem.kind, problem.path) == ("not reproduced", Store(root).path(derived))


@pytest.mark.parametrize("same", [True, False])
def test_two_that_finish_the_same_stage(root, tmp_path, same):
    """On file systems without locks: the first one counts, a difference is reported."""
    elsewhere = Store(tmp_path / "elsewhere")
    content = b"ours" if same else b"theirs"

    def build(build: Build) -> None:
        (build.out / "a").write_bytes(b"ours")
        first = made_by(lambda build: (build.out / "a").write_bytes(content) and None, "base", {})
        elsewhere.ensure(first).rename(store.path(stage))

    events: list[str] = []
    store = Store(root, lambda stage, event, seconds: events.append(event))
    stage = made_by(build, "base", {})
    folder = store.ensure(stage)
    assert (folder / "a").read_bytes() == content
    assert events == ["building", "cached"] if same else ["building", "differs", "cached"]
    assert Store(root).verify() == []
