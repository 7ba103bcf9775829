"""How much memory and disk there is to fill."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says how much memory a container may have."""
ASK = "import torch; print(torch.cuda.get_device_properties({!r}).total_memory)"


def memory_of(device: str) -> int:
    """Bytes of memory of a device: the card's, or those that the machine lets this process have."""
    if device.startswith("cuda"):
        return _of_card(device)
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in LIMITS:
        try:
            found.append(int(Path(name).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(found)


@cache
def _of_card(device: str) -> int:
    """By torch, in a process of its own unless it is loaded already."""
    if "torch" in sys.modules:
        import torch

        return int(torch.cuda.get_device_properties(device).total_memory)
    command = [sys.executable, "-c", ASK.format(device)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def free_disk(folder: Path) -> int:
    """Bytes that are free where a folder lies, or will lie."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
