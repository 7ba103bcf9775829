"""A child ends with its parent, however that went."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

CHILD = "import time; from suite.core.parent import die_with; die_with({parent}); "
CHILD += "print('ready', flush=True); time.sleep(600)"
PARENT = f"""
import os, subprocess, sys, time
child = {CHILD!r}.format(parent=os.getpid())
process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux's")
def test_a_child_ends_with_a_parent_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux's")
def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD.format(parent=1)], timeout=60, check=False)
    assert done.returncode == 1
