"""What a body prints goes to stderr, however it prints."""

from __future__ import annotations

import subprocess
import sys

import pytest

from suite.core.printing import to_stderr

PROGRAM = """
import ctypes, os
from suite.core.printing import to_stderr

print("before")
with to_stderr():
    print("python")
    os.write(1, b"descriptor\\n")
    ctypes.CDLL(None).puts(b"library")
print("after")
"""


def test_a_pipe_gets_what_is_printed_outside_alone() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "before\nafter\n"
    assert sorted(done.stderr.split()) == ["descriptor", "library", "python"]


@pytest.mark.parametrize("closed", ["1>&-", "2>&-"])
def test_a_closed_stream_harms_nothing(closed: str) -> None:
    program = "from suite.core.printing import to_stderr\nwith to_stderr(): pass"
    command = f"'{sys.executable}' -c '{program}' {closed}"
    assert subprocess.run(command, shell=True, check=False).returncode == 0


def test_an_error_of_the_body_goes_on_up(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="mine"), to_stderr():
        raise ValueError("mine")
    print("after")
    assert capfd.readouterr().out == "after\n"
