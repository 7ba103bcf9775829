"""Which devices torch would find, without importing torch where that can be known without it.

`suite plan` needs the device, since the precision is part of the keys, and must not take the
seconds that torch takes. A build of torch for CPUs finds none, nor does any without a driver.
Otherwise a process of its own asks torch.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

DRIVERS = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""What a driver leaves on Linux: NVIDIA's (the last two: under WSL, AMD's)."""
BF16_FLAGS = {"avx512_bf16", "amx_tile"}
"""Flags of x86 processors with bfloat16 matrix instructions."""
ASK = "import json; from suite.model.devices import ask_torch; print(json.dumps(ask_torch()))"


def accelerators() -> list[bool]:
    """For each CUDA device whether it has bfloat16 instructions; [] without any device."""
    if "torch" in sys.modules:
        return ask_torch()
    if built_for_cpu() or not any(Path(path).exists() for path in DRIVERS):
        return []
    return list(_asked_elsewhere())


def ask_torch() -> list[bool]:
    """The same, by torch itself."""
    import torch

    if not torch.cuda.is_available():
        return []
    found = []
    for index in range(torch.cuda.device_count()):
        with torch.cuda.device(index):
            found.append(bool(torch.cuda.is_bf16_supported(including_emulation=False)))
    return found


@cache
def _asked_elsewhere() -> tuple[bool, ...]:
    """Ask torch in a process of its own."""
    answer = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    return tuple(json.loads(answer.stdout.splitlines()[-1]))


def built_for_cpu() -> bool:
    """Whether the installed torch knows no CUDA and no ROCm; its version file says so."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).with_name("version.py").read_text()
    return not re.search(r"^(cuda|hip)\b[^=\n]*= *['\"]", version, flags=re.MULTILINE)


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 matrices natively."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    flags = re.search(r"^flags\s*:(.*)$", text, flags=re.MULTILINE)
    return bool(flags and BF16_FLAGS & set(flags[1].split()))
