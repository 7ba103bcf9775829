"""Progress that another process wrote is shown here, in order; half a line waits for its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.core.progress import Task
from suite.run.relay import Relay, Sender


class Shown:
    """Notes what a display would show."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    @contextmanager
    def task(self, label: str, total: int, unit: str = "") -> Iterator[Task]:
        self.lines.append(f"open {label} {total} {unit}")
        yield _Bar(self.lines)
        self.lines.append(f"close {label}")


class _Bar:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def advance(self, count: int = 1, note: str = "") -> None:
        self.lines.append(f"advance {count} {note}")


def test_what_a_worker_does_is_shown(tmp_path: Path) -> None:
    sender, shown = Sender(tmp_path), Shown()
    with Relay(tmp_path, shown):
        with sender.task("train npo", 4, "steps") as bar:
            for step in range(4):
                bar.advance(note=f"loss {step}")
        sender.say("done")
    assert shown.lines[0] == "open train npo 4 steps"
    assert shown.lines[-2:] == ["close train npo", "done"]
    counts = [int(line.split()[1]) for line in shown.lines if line.startswith("advance")]
    assert sum(counts) == 4
    assert len(counts) < 4  # what happens within a moment is one line


def test_half_a_line_waits_and_a_lost_worker_leaves_no_bar(tmp_path: Path) -> None:
    shown = Shown()
    file = tmp_path / "other.7.jsonl"
    file.write_text('["open", 1, "train ga", 9, "steps"]\n["advance", 1, 3')
    relay = Relay(tmp_path, shown)
    relay._look()
    assert shown.lines == ["open train ga 9 steps"]
    with file.open("a") as more:
        more.write(', "loss 1"]\n')
    with relay:
        pass
    assert shown.lines == ["open train ga 9 steps", "advance 3 loss 1", "close train ga"]
