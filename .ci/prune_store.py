"""Remove from a store what no configuration reads any more; what is left is worth keeping.

    python .ci/prune_store.py .store configs/*.toml

A configuration that cannot be planned on this machine (its model or data is not here) keeps
nothing. Unfinished stages of a plan keep their checkpoints.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path


def planned(config: Path) -> set[str]:
    """Keys of all stages of a configuration's plan; none where it cannot be planned."""
    command = [sys.executable, "-m", "suite.cli", "plan", "--json", "--config", str(config)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        print(f"{config}: not planned: {found.stderr.strip()}", file=sys.stderr)
        return set()
    return {stage["key"] for stage in json.loads(found.stdout)["stages"]}


def prune(store: Path, keep: set[str]) -> list[Path]:
    """Remove the stages and checkpoints of all other keys; return their folders."""
    # What compares finished stages is no part of a plan, and takes seconds.
    kept = [*store.glob("stages/*/*"), *store.glob("scratch/*/*")]
    dropped = [each for each in kept if each.name not in keep]
    for each in dropped:
        shutil.rmtree(each)
    shutil.rmtree(store / "tmp", ignore_errors=True)
    return dropped


def main(store: Path, configs: list[Path]) -> int:
    """Prune; return the exit status."""
    keep = set().union(*map(planned, configs))
    if not keep:
        print("no configuration could be planned: nothing is removed", file=sys.stderr)
        return 1
    dropped = prune(store, keep)
    print(f"{store}: {len(dropped)} stages that nothing reads any more were removed")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]]))
