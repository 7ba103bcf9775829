"""A stage at which processes end is tried again, and refused after the third end at one place."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from suite.core.errors import UserError
from suite.stages.endings import MARKER, noted
from suite.store import Build, Stage
from tests.run.conftest import suite
from tests.thirdparty.distributions import Site

ENDS = """
    import os, sys
    from pathlib import Path
    from suite.stages.endings import noted
    from suite.store import Build, Stage

    scratch = Path(sys.argv[1])
    with noted(Build(scratch, scratch, {}, Stage("train", {}, label="train mine")), ""):
        (scratch / "log.jsonl").write_text("{}\\\\n" * int(sys.argv[2]))
        os._exit(7)
"""


def build(scratch: Path) -> Build:
    return Build(scratch, scratch, {}, Stage("train", {}, label="train mine"))


def end_at(scratch: Path, step: int) -> None:
    """A process that ends without a word after some steps."""
    program = textwrap.dedent(ENDS).replace("\\\\n", "\\n")
    command = [sys.executable, "-c", program, str(scratch), str(step)]
    assert subprocess.run(command, check=False).returncode == 7


def begin(scratch: Path) -> None:
    with noted(build(scratch), "plugin 'acme' (acme 1.0): "):
        pass


def test_the_third_end_at_a_place_is_refused_once(tmp_path: Path) -> None:
    for _ in range(3):
        end_at(tmp_path, 2)
    said = "^plugin 'acme' .*: train mine: the process ended 3 times in a row .* after 2 steps"
    with pytest.raises(UserError, match=said):
        begin(tmp_path)
    begin(tmp_path)
    assert not (tmp_path / MARKER).exists()


@pytest.mark.parametrize("steps", [(2, 3, 4, 5), (2, 2, 3, 3)])
def test_ends_that_came_further_each_time_are_none(tmp_path: Path, steps: list[int]) -> None:
    for step in steps:
        end_at(tmp_path, step)
    begin(tmp_path)


def leave(scratch: Path, error: type[BaseException]) -> None:
    with noted(build(scratch), ""):
        raise error


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_what_is_raised_is_no_end(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        leave(tmp_path, error)
    assert not (tmp_path / MARKER).exists()


METHOD = """
    import os
    from dataclasses import dataclass
    from suite import PairedMethod, hookimpl

    @dataclass(frozen=True)
    class Settings:
        pass

    class Leaver(PairedMethod[Settings]):
        name, family, Config = "leaver", "alignment", Settings

        def pair_loss(self, pairs):
            os._exit(7)

    @hookimpl
    def suite_methods():
        return [Leaver]
"""


@pytest.mark.slow
def test_a_method_that_ends_the_process_fails_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Site(tmp_path, monkeypatch).add("acme", {"acme": METHOD})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    small = [f"--set=bandit.{each}" for each in ("steps=20", "runs=1", "taus=0.1")]
    command = ["run", "--bench=bandit", "--methods=leaver,dpo", *small, f"--out={tmp_path / 'out'}"]
    for _ in range(3):
        assert suite(*command, store=tmp_path / "store").returncode == 7
    last = suite(*command, store=tmp_path / "store")
    assert last.returncode == 2, last.stderr
    cells = json.loads((tmp_path / "out" / "results.json").read_text())["cells"]
    found = {cell["cell"]["method"]: cell for cell in cells}
    assert found["dpo"]["status"] == "ok"
    said = "plugin 'acme' (acme 1.0): bandit: leaver: the process ended 3 times in a row"
    assert said in found["leaver"]["error"]
