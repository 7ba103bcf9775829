"""A few steps of training in one mode, in a process of its own: peak memory, seconds, losses.

    python -m tests.perf.one_card FOLDER '{"weights": "bfloat16", "dtype": "bfloat16"}' STEPS

prints one line of JSON. Beside settings of training, `dtype` is that of forward passes, `tokens`
the length of a row. The peak is what the process holds at most while it trains, less what it held
before the model was loaded.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from suite.api.data import Encoded
from suite.model import folder as models
from suite.model.reference import References
from suite.registry import Registry
from suite.settings import TrainConfig
from suite.train.cost import CostMeter, _peak, _reset_peak
from suite.train.job import TrainJob
from suite.train.prepare import prepare, rounding_of, sampler_of
from suite.train.sampling import micro_batches

ROWS, PROMPT, COMPLETION = 8, 40, 60
"""A step, unless `batch_size` says otherwise: rows, and the tokens of each."""
TOKENS, PREDICTED = ROWS * (PROMPT + COMPLETION), ROWS * COMPLETION


def texts(count: int, vocabulary: int, tokens: int = PROMPT + COMPLETION) -> list[Encoded]:
    """Rows of random tokens, some of them twice in a text, so that there is something to learn."""
    prompt = tokens * PROMPT // (PROMPT + COMPLETION)
    generator = torch.Generator().manual_seed(0)

    def words(count: int) -> tuple[int, ...]:
        found = torch.randint(5, vocabulary, (count // 2,), generator=generator)
        return tuple(found.repeat(2).tolist())

    return [Encoded(str(i), words(prompt), words(tokens - prompt)) for i in range(count)]


def measure(folder: Path, changes: dict[str, Any], steps: int) -> dict[str, Any]:
    """Take the steps; see above."""
    dtype, tokens = changes.pop("dtype", "float32"), changes.pop("tokens", PROMPT + COMPLETION)
    usual = {"batch_size": ROWS, "schedule": "constant", "warmup_epochs": 0.0}
    config = TrainConfig(epochs=steps, **usual | changes)
    tokenizer = models.load_tokenizer(folder)
    vocabulary = json.loads((folder / "config.json").read_text())["vocab_size"]
    cls = Registry.load().method("sft")
    out = Path(tempfile.mkdtemp())
    roles = {"demonstrations": texts(config.batch_size, vocabulary, tokens)}
    job = TrainJob(cls(cls.Config()), config, 0, folder, roles, References(), out, out, dtype=dtype)
    _reset_peak(cuda=False)
    before = _peak(cuda=False)
    torch.manual_seed(0)
    sampler = sampler_of(job, roles)
    state = prepare(job, sampler, tokenizer)
    rounding = rounding_of(job, state)
    meter = CostMeter(out, "cpu")
    losses, seconds = [], []
    for number in range(steps):
        begin = time.perf_counter()
        batches = list(micro_batches(sampler.step(number), config.micro_batch, 0, References()))
        if rounding is None:
            output = job.method.train_step(state, batches)
        else:
            with rounding.step(number):
                output = job.method.train_step(state, batches)
        state.step += 1
        seconds.append(time.perf_counter() - begin)
        losses.append(round(output.loss, 4))
    cost = meter.cost()
    return {
        "peak_bytes": cost.peak_bytes - before,
        "seconds": round(min(seconds), 3),
        "cpu_seconds": round(cost.cpu_seconds / steps, 3),
        "losses": losses,
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3]))))
