"""What a plugin changes of the process is put back, and said."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from suite.core.errors import UserError
from suite.stages.unchanged import unchanged


def state() -> tuple[object, ...]:
    return os.getcwd(), torch.get_num_threads(), signal.getsignal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: os.chdir("/"), "the working directory"),
        (lambda: torch.set_num_threads(torch.get_num_threads() + 1), "torch's threads"),
        (lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN), "the handler of SIGTERM"),
    ],
)
def test_a_change_is_put_back_and_named(change: Callable[[], object], said: str) -> None:
    before = state()
    with (
        pytest.raises(UserError, match=f"^train x: a plugin changed {said} of"),
        unchanged("train x"),
    ):
        change()
    assert state() == before


def leave(error: type[BaseException]) -> None:
    with unchanged("train x"):
        os.chdir("/")
        raise error


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_what_a_plugin_raises_goes_on_up(error: type[BaseException]) -> None:
    before = state()
    with pytest.raises(error):
        leave(error)
    assert state() == before


def test_a_folder_that_is_gone_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    with unchanged("train x"):
        pass
    assert sys.modules["torch"] is torch
