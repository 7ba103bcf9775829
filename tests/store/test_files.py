"""The small things: atomic files, logs of JSON lines, locks, fault points."""

from __future__ import annotations

import json
import math
import os
import signal

import pytest

from suite.core import faults
from suite.core.errors import CorruptError, MissingError, UserError
from suite.store import JsonlWriter, atomic_write, read_json, read_jsonl, write_json
from suite.store.locks import acquire, is_held, locked, release

RECORDS = [
    {"id": 1, "text": "a\nb\u2028c"},
    {"id": 2, "text": "שלום \ud800"},
    {"id": 3, "logps": [-0.1, -2.5]},
]


def write_log(path, records):
    with JsonlWriter(path) as log:
        for record in records:
            log.append(record)


def test_a_log_torn_anywhere_goes_on_where_it_was_whole(tmp_path):
    path = tmp_path / "log.jsonl"
    write_log(path, RECORDS)
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        kept = list(read_jsonl(path))
        assert kept == RECORDS[: whole[:length].count(b"\n")]
        write_log(path, RECORDS[len(kept) :])
        assert path.read_bytes() == whole


def test_a_long_torn_line_is_cut(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"id":1}\n"' + b"x" * 200_000)
    write_log(path, [2])
    assert path.read_bytes() == b'{"id":1}\n2\n'
    path.write_bytes(b'"' + b"x" * 200_000)
    write_log(path, [2])
    assert path.read_bytes() == b"2\n"


def test_a_log_that_was_never_begun_is_empty(tmp_path):
    assert list(read_jsonl(tmp_path / "log.jsonl")) == []


@pytest.mark.parametrize("line", [b"{", b"", b"NaN", b"\xff"])
def test_a_malformed_line_inside_is_corruption(tmp_path, line):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"1\n" + line + b"\n3\n")
    with pytest.raises(CorruptError, match=r"log\.jsonl, line 2"):
        list(read_jsonl(path))


def test_two_writers_of_one_log(tmp_path):
    path = tmp_path / "log.jsonl"
    with JsonlWriter(path) as log:
        log.append(1)
        with pytest.raises(UserError, match="another process"):
            JsonlWriter(path)
        log.append(2)
    write_log(path, [3])
    assert list(read_jsonl(path)) == [1, 2, 3]


def test_a_line_that_is_not_json_leaves_the_log_alone(tmp_path):
    path = tmp_path / "log.jsonl"
    with JsonlWriter(path) as log:
        log.append(1)
        with pytest.raises(UserError, match=r"value\.value is nan"):
            log.append({"value": math.nan})
        log.append(2)
    assert list(read_jsonl(path)) == [1, 2]


def test_a_line_that_fits_in_part_is_taken_back(tmp_path, start):
    """The kernel writes the first part of the line and then refuses: no torn line may stay in the
    middle."""
    process = start("full_log", tmp_path, 100)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert 0 < int(said) < 100
    assert list(read_jsonl(tmp_path / "log.jsonl")) == [
        {"number": number} for number in range(int(said) + 1)
    ]


def test_json_files(tmp_path):
    path = tmp_path / "new" / "a.json"
    write_json(path, {"b": (1, 2.0), "a": "é\ud800"})
    assert path.read_text() == '{\n  "a": "\\u00e9\\ud800",\n  "b": [\n    1,\n    2.0\n  ]\n}\n'
    assert read_json(path) == {"a": "é\ud800", "b": [1, 2.0]}
    with pytest.raises(UserError, match=r"a\.json\.x is nan"):
        write_json(path, {"x": math.nan})
    assert read_json(path)["b"] == [1, 2.0]


@pytest.mark.parametrize("text", ['{"a": 1,\n  "b" 2}', "[NaN]", "", "\x00"])
def test_malformed_json_is_named(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(CorruptError, match=r"a\.json is not valid JSON"):
        read_json(path)


def test_the_place_of_the_mistake_is_told(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1,\n  "b" 2}')
    with pytest.raises(CorruptError, match="line 2 column 7"):
        read_json(path)
    with pytest.raises(MissingError, match=r"b\.json is missing"):
        read_json(tmp_path / "b.json")


def test_an_atomic_write_replaces_a_link_and_leaves_its_target(tmp_path):
    target, path = tmp_path / "target", tmp_path / "link"
    target.write_text("target")
    path.symlink_to(target)
    atomic_write(path, b"new")
    assert (path.read_bytes(), target.read_text()) == (b"new", "target")
    assert not path.is_symlink()


def test_a_writer_at_work_keeps_its_temporary_file(tmp_path):
    """Two writers of [x].json: the second must not take the first one's file for a leftover."""
    alive, dead = tmp_path / ".[x].json.00000000.tmp", tmp_path / ".[x].json.11111111.tmp"
    other = tmp_path / ".x.json.11111111.tmp"
    dead.touch()
    other.touch()
    descriptor = acquire(alive)
    atomic_write(tmp_path / "[x].json", "new")
    assert sorted(tmp_path.iterdir()) == sorted([alive, other, tmp_path / "[x].json"])
    release(descriptor, alive)


def test_files_get_the_usual_permissions(tmp_path):
    (tmp_path / "plain").touch()
    atomic_write(tmp_path / "atomic", "")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_lock_excludes_other_processes(tmp_path, start):
    """Four processes add 40 each; lock files come and go all the time."""
    (tmp_path / "number").write_text("0")
    counters = [start("count", tmp_path) for _ in range(4)]
    for counter in counters:
        assert counter.communicate(timeout=60) == ("", "")
    assert (tmp_path / "number").read_text() == "160"
    assert [path.name for path in tmp_path.iterdir()] == ["number"]


def test_a_held_lock(tmp_path):
    path = tmp_path / "lock"
    assert not is_held(path)
    with locked(path) as first, locked(path, wait=False) as second:
        assert (first, second) == (True, False)
        assert is_held(path)
    assert not path.exists()
    path.touch()
    assert not is_held(path)


def test_no_fault_without_a_plan(monkeypatch):
    monkeypatch.delenv("SUITE_FAULT", raising=False)
    faults.point("train.step", 7)


def test_a_fault_strikes_where_it_is_planned(monkeypatch):
    monkeypatch.setenv("SUITE_FAULT", "train.step:7=raise, other=oom")
    faults.point("train.step", 6)
    faults.point("train.step.more", 7)
    with pytest.raises(RuntimeError, match=r"train\.step:7"):
        faults.point("train.step", 7)
    with pytest.raises((MemoryError, RuntimeError), match="out of memory"):
        faults.point("other", 3)


def test_arrivals_are_counted(monkeypatch):
    monkeypatch.setenv("SUITE_FAULT", "test_arrivals:3=enospc")
    faults.point("test_arrivals")
    faults.point("test_arrivals")
    with pytest.raises(OSError, match=os.strerror(28)):
        faults.point("test_arrivals")
    faults.point("test_arrivals")


def test_a_termination_signal(monkeypatch):
    seen = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    monkeypatch.setenv("SUITE_FAULT", "somewhere=term")
    try:
        faults.point("somewhere")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIGTERM]


@pytest.mark.parametrize(
    ("plan", "said"), [("a", "POINT=ACTION"), ("=kill", "POINT"), ("a=kil", "did you mean 'kill'")]
)
def test_a_plan_with_a_mistake(monkeypatch, plan, said):
    monkeypatch.setenv("SUITE_FAULT", plan)
    with pytest.raises(UserError, match=said):
        faults.point("b")


def test_write_json_is_what_json_reads(tmp_path):
    write_json(tmp_path / "a.json", RECORDS)
    assert json.loads((tmp_path / "a.json").read_text()) == RECORDS
