"""What training cost: processor and accelerator seconds, and the most memory it held, over all
attempts of a run.

A killed run goes on from a checkpoint; beside it lies `cost.json`, so that the seconds before are
counted too. Costs go into the manifest and never into the stage's files: they differ from run to
run, and the files must not.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from suite.store import read_json, write_json


@dataclass(frozen=True)
class Cost:
    """Of one training run."""

    cpu_seconds: float = 0.0
    """Processor time, all threads."""
    gpu_seconds: float = 0.0
    """Wall-clock time during which an accelerator was held; 0 on a CPU."""
    peak_bytes: int = 0
    """Most memory held: the accelerator's where there is one, else the process's."""


class CostMeter:
    """Measures from its creation on, and adds what earlier attempts spent."""

    def __init__(self, scratch: Path, device: str) -> None:
        self.path, self.cuda = scratch / "cost.json", device.startswith("cuda")
        self.before = Cost(**read_json(self.path)) if self.path.exists() else Cost()
        self._wall, self._cpu = time.monotonic(), time.process_time()
        _reset_peak(self.cuda)

    def cost(self) -> Cost:
        """Return what was spent so far."""
        gpu = time.monotonic() - self._wall if self.cuda else 0.0
        return replace(
            self.before,
            cpu_seconds=round(self.before.cpu_seconds + time.process_time() - self._cpu, 3),
            gpu_seconds=round(self.before.gpu_seconds + gpu, 3),
            peak_bytes=max(self.before.peak_bytes, _peak(self.cuda)),
        )

    def save(self) -> None:
        """Keep it beside a checkpoint."""
        write_json(self.path, asdict(self.cost()))


def _reset_peak(cuda: bool) -> None:
    if cuda:
        import torch

        torch.cuda.reset_peak_memory_stats()
        return
    try:
        Path("/proc/self/clear_refs").write_text(
            "5"
        )  # Linux: the peak starts anew, at what is held now
    except OSError:
        return  # elsewhere the peak is that of the whole process


def _peak(cuda: bool) -> int:
    """Bytes."""
    if cuda:
        import torch

        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        if "VmHWM" in lines:
            return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
