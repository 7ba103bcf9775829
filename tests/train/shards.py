"""Trainings of the embedded model, alone or as one of several shards:

python -m tests.train.shards RANK COUNT MEETING START FOLDER CASE ...
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from suite import Message, Pair, Row
from suite.api.placement import Placement
from suite.model import folder as models
from suite.model.encoding import Encoder
from suite.model.hardware import autocast
from suite.model.reference import References, compute, save
from suite.registry import Registry
from suite.settings import TrainConfig
from suite.train.encoded import encode_rows, texts_of
from suite.train.job import TrainJob
from suite.train.loop import train

WORDS = "May book Karvik prize red river old night She wrote in the of".split()
ROWS = 16
CONFIG = TrainConfig(epochs=2, batch_size=8, micro_batch=2, lr=1e-3, warmup_epochs=0.0)


@dataclass(frozen=True)
class Case:
    """A training of a method; `changes`: of CONFIG."""

    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    stops: int = 0
    """The step in which it ends early; 0: none."""


CASES = {
    "npo_rt": Case("npo_rt"),
    # Three parts of a step cannot be dealt out to two processes.
    "uneven": Case("npo_rt", changes={"micro_batch": 3}),
    "recomputed": Case("npo_rt", changes={"gradient_checkpointing": True}),
    "dpo": Case("dpo"),
    "rmu": Case("rmu"),
    "ppo": Case("ppo", {"max_new_tokens": 8, "updates": 2}, {"epochs": 1}),
    "kl_min": Case("kl_min"),
    "task_vector": Case("task_vector"),
    "reward_model": Case("reward_model"),
    "stopped": Case("npo_rt", stops=3),
    "one_step": Case("npo_rt", changes={"batch_size": 4, "micro_batch": 1, "lr": 1e-5}, stops=1),
}


class Stop(Exception):
    """Ends a training."""


def roles_of(encoder: Encoder) -> dict[str, Any]:
    """Made-up rows of every role."""

    def words(start: int, count: int) -> str:
        return " ".join(WORDS[(start + 3 * i) % len(WORDS)] for i in range(count))

    def asked(i: int) -> tuple[Message, ...]:
        return (Message("user", words(i, 2 + i % 5)),)

    rows = {
        "forget": [Row(f"f{i}", asked(i), words(i + 1, 3 + i % 4)) for i in range(ROWS)],
        "retain": [Row(f"r{i}", asked(i + 3), words(i, 4 + i % 3)) for i in range(ROWS)],
        "pairs": [Pair(f"p{i}", asked(i), words(i, 4), words(i + 5, 6)) for i in range(ROWS)],
        "prompts": [Row(f"q{i}", asked(i), "") for i in range(ROWS)],
    }
    return {role: encode_rows(given, encoder) for role, given in rows.items()}


def reward(texts: Sequence[Any]) -> list[float]:
    """A reward that differs between answers."""
    return [float(sum(text.completion_ids) % 7) for text in texts]


def job_of(case: Case, start: Path, folder: Path, placement: Placement) -> TrainJob:
    """The training of a case; a checkpoint after each step."""
    cls = Registry.load().method(case.method)
    encoder = Encoder(models.load_tokenizer(start))
    roles = {role: rows for role, rows in roles_of(encoder).items() if role in cls.roles}
    references = References()
    hidden = cls.needs_reference_hidden
    for role, rows in roles.items():
        if role in hidden or (cls.needs_reference and role != "retain"):
            place = folder / f"reference-{role}"
            place.mkdir(parents=True)
            tensors = compute(
                models.load_model(start),
                texts_of(rows),
                autocast("float32", "cpu"),
                hidden=role in hidden,
                pad_id=0,
            )
            save(tensors, place)
            references.add(role, place, texts_of(rows))
    for name in ("out", "scratch"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return TrainJob(
        cls(cls.Config(**case.settings)),
        replace(CONFIG, **case.changes),
        0,
        start,
        roles,
        references,
        folder / "out",
        folder / "scratch",
        placement=placement,
        checkpoint_seconds=0.0,
        rewarder=reward,
    )


def trained(case: Case, start: Path, folder: Path, placement: Placement) -> list[dict[str, float]]:
    """Train; what was measured of each step."""
    steps: list[dict[str, float]] = []

    def on_step(step: int, metrics: Mapping[str, float]) -> None:
        if step == case.stops:
            raise Stop
        steps.append(dict(metrics))

    job = job_of(case, start, folder, placement)
    job.on_step = on_step
    with contextlib.suppress(Stop):
        train(job)
    return steps


def in_shards(count: int, start: Path, folder: Path, cases: Sequence[str]) -> None:
    """Train the cases by processes that hold a model together; each leaves `folder`/CASE."""
    folder.mkdir(parents=True, exist_ok=True)
    common = [str(count), str(folder / "meeting"), str(start), str(folder), *cases]
    started = [
        subprocess.Popen([sys.executable, "-m", __name__, str(rank), *common])
        for rank in range(count)
    ]
    assert [process.wait(timeout=900) for process in started] == [0] * count


def main(rank: int, count: int, meeting: str, start: Path, folder: Path, *cases: str) -> None:
    """Train the cases as one shard."""
    from suite.train.placement import Shards

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    for name in cases:
        own = folder / name if rank == 0 else folder / f"other-{rank}" / name
        steps = trained(CASES[name], start, own, Shards("cpu"))
        if rank == 0:
            (own / "steps.json").write_text(json.dumps(steps))
    dist.barrier()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], *map(Path, sys.argv[4:6]), *sys.argv[6:])
