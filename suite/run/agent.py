"""torchrun's agent for the shards of one training, in a process of its own:
`suite.run.shards` starts it.

It starts a process for each shard, ends all when one fails, and writes down how they ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

from suite.core.parent import die_with
from suite.run.shards import ENDS
from suite.store import write_json

PATIENCE = 120
"""Seconds that shards have to leave a checkpoint."""


def main(folder: str, count: str, parent: str) -> int:
    """Run the shards to their end; 0 if all did what they should."""
    die_with(int(parent))
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=int(count),
        run_id=Path(folder).name,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        local_addr="127.0.0.1",
        shutdown_timeout=PATIENCE,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "suite.run.shard", folder)
    except ChildFailedError as error:
        ends = {str(rank): each.exitcode for rank, each in error.failures.items()}
        write_json(Path(folder) / ENDS, ends)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
