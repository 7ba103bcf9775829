"""One shard of a training, as torchrun's agent starts it: `suite.run.shards` says how.

The first shard, the main one, writes the stage's files, shows the progress and keeps checkpoints.
The others have a folder of their own within the stage's scratch.
"""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from suite.core import interrupt
from suite.core.parent import die_with
from suite.core.progress import Silent
from suite.model import hardware
from suite.plan.build import build_plan
from suite.registry import Registry
from suite.run.failure import failure_of
from suite.run.kinds import open_context
from suite.run.relay import Sender
from suite.run.shards import JOB, ShardJob
from suite.stages.context import Context
from suite.store import Build, Stage, write_json

LONGEST_WAIT = timedelta(hours=2)
"""How long shards wait for each other: the main one writes whole models alone."""


def main(folder: Path) -> int:
    """Compute this shard's part; 0 if all went well."""
    job: ShardJob = pickle.loads((folder / JOB).read_bytes())
    rank = int(os.environ["RANK"])
    os.chdir(job.cwd)
    registry = Registry.load(job.config.block, files=job.config.plugin_file)
    sender = Sender(folder) if rank == 0 else None
    try:
        context = open_context(job.config, registry, sender or Silent())
        _join(context.device)
        build = _build(job, _stage(job, context), rank)
        if sender is not None:
            build.told = lambda stage, step, metrics: sender.write("step", step, dict(metrics))
        context.compute(build)
    except interrupt.Interrupted as error:
        return error.exit_status
    except BaseException as error:  # a plugin may even call sys.exit
        write_json(folder / f"failed-{rank}.json", asdict(failure_of(error, registry)))
        return 1
    write_json(folder / f"done-{rank}.json", build.spent)
    return 0


def _join(device: str) -> None:
    """Meet the other shards."""
    import torch
    import torch.distributed as dist

    cuda = device.startswith("cuda")
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=LONGEST_WAIT)


def _stage(job: ShardJob, context: Context) -> Stage:
    """The stage, of the run planned again."""
    hardware.set_threads(context.config.model)
    return next(stage for stage in build_plan(context).stages() if stage.key == job.key)


def _build(job: ShardJob, stage: Stage, rank: int) -> Build:
    """What the builder of the stage gets: of all but the main shard nothing is kept."""
    if rank == 0:
        return Build(job.out, job.scratch, job.inputs, stage, before=job.before)
    own = job.scratch / f"shard-{rank}"
    shutil.rmtree(own / "out", ignore_errors=True)
    (own / "out").mkdir(parents=True)
    return Build(own / "out", own, job.inputs, stage, before=job.before)


if __name__ == "__main__":
    die_with(os.getppid())
    interrupt.install()
    status = main(Path(sys.argv[1]))
    # Without the farewells of torch.distributed, which wait for shards that are gone.
    sys.stdout.flush()
    os._exit(status)
