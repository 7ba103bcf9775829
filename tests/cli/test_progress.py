"""Progress: bars on a terminal, one line per finished task in a log."""

from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from suite.cli import progress as progress_module
from suite.cli.progress import RichProgress


def recorded(*, terminal: bool) -> tuple[RichProgress, io.StringIO]:
    out = io.StringIO()
    return RichProgress(Console(file=out, force_terminal=terminal, width=120, no_color=True)), out


def test_a_log_gets_one_line_per_task() -> None:
    progress, out = recorded(terminal=False)
    with (
        progress.task("train npo", 4, "step") as outer,
        progress.task("[b]respond[/b]", 2) as inner,
    ):
        outer.advance(3, "loss 0.5")
        inner.advance()
        progress.say("[red]a line[/red]")
    lines = out.getvalue().splitlines()
    assert lines[0] == "[red]a line[/red]"
    assert lines[1].startswith("[b]respond[/b]: 1 of 2 in ")
    assert lines[2].startswith("train npo: 3 of 4 step in ")
    assert len(lines) == 3


def test_a_log_hears_of_a_long_task_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    progress, out = recorded(terminal=False)
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with progress.task("train npo", 40, "step") as bar:
        for _ in range(8):
            bar.advance()
    *often, last = out.getvalue().splitlines()
    assert last.startswith("train npo: 8 of 40 step in ")
    assert 1 <= len(often) < 8
    assert all(re.fullmatch(r"train npo: \d of 40 step, \d+ (s|min) left", line) for line in often)


def test_a_terminal_has_the_bar_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    progress, out = recorded(terminal=True)
    monkeypatch.setattr(progress_module, "QUIET", 0.0)
    with progress.task("train npo", 4, "step") as bar:
        bar.advance()
        bar.advance()
    assert "left" not in out.getvalue()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59, "59 s"), (130, "2 min"), (12_600, "3.5 h")]
)
def test_a_time_has_the_unit_that_fits(seconds: float, said: str) -> None:
    assert progress_module._rough(seconds) == said


def test_notes_and_labels_steer_no_terminal() -> None:
    progress, out = recorded(terminal=False)
    with progress.task("label\x1b[31m\x9b", 1) as bar:
        bar.advance(1, "note\x1b]8;;https://evil.example\x07\u202e")
        (task,) = progress._bars.tasks
        shown = f"{task.description}{task.fields['note']}"
        progress.say("line\x1b[2J")
    assert not set(out.getvalue() + shown) & set("\x1b\x07\x9b\u202e")


def test_a_task_that_fails_is_closed_and_the_next_one_opens() -> None:
    progress, out = recorded(terminal=True)
    with pytest.raises(KeyError), progress.task("first", 2):
        raise KeyError
    with progress.task("second", 1) as bar:
        bar.advance()
    assert "first: 0 of 2" in out.getvalue()
    assert "second: 1 of 1" in out.getvalue()
