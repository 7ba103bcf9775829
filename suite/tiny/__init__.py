"""The embedded default model and the generated world that it learns.

The dictionaries hold training settings (fields of `suite.settings.TrainConfig`) that were measured
to work with it. Learning rates are a hundred times those of a billion-parameter model: the model is
small and starts from nothing.
"""

from __future__ import annotations

from typing import Any

# The loss falls to about .1, so the facts are known by heart; what is learnt this well survives the
# fine-tuning. Batches are small because on a CPU a row costs the same in any batch: more steps for
# the same time.
PRETRAIN: dict[str, Any] = {"epochs": 13, "lr": 3e-3, "batch_size": 16, "warmup_epochs": 1.0}

# As gentle as memorising every author allows (answer probability above .9): a higher rate or more
# epochs wash out the world facts and the paraphrased form.
FINETUNE: dict[str, Any] = {"epochs": 12, "lr": 8e-4, "batch_size": 16, "warmup_epochs": 1.0}

# forget10 is 40 rows, 5 steps an epoch; the rate is about the smallest at which gradient ascent
# collapses within 10 epochs (model utility over three seeds .002-.015, NPO .303-.312, NPO+RT
# .626-.657). Nothing is clipped: NPO's summed loss starts with a gradient ten times that of
# gradient ascent, and clipping would hide the slowing-down that sets it apart.
TRAIN: dict[str, Any] = {
    "epochs": 10,
    "lr": 4e-4,
    "batch_size": 8,
    "warmup_epochs": 1.0,
    "max_grad_norm": 0.0,
}

# The rates with which methods train, and twice as much: a few steps on 20 rows.
RELEARN: dict[str, Any] = {"lr": (4e-4, 8e-4), "epochs": 4, "every": 2, "batch_size": 8}
