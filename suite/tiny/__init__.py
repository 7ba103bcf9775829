"""The embedded default model and the generated world that it learns.

The dictionaries hold training settings (fields of `suite.settings.TrainConfig`) measured to work with it. Learning
rates are a hundred times those of a billion-parameter model: the model is small and starts from random weights.
"""

from __future__ import annotations

from typing import Any

# Enough to know the sentences and the facts by heart: loss near the entropy of the facts it cannot know.
PRETRAIN: dict[str, Any] = {"epochs": 10, "lr": 3e-3, "batch_size": 16, "warmup_epochs": 1.0}
# As gentle as memorising every author allows: higher rates or more epochs wash out the world facts.
FINETUNE: dict[str, Any] = {"epochs": 12, "lr": 1e-3, "batch_size": 16, "warmup_epochs": 1.0}
# 40 forget rows make 5 steps an epoch.
TRAIN: dict[str, Any] = {"epochs": 10, "lr": 1e-4, "batch_size": 8, "warmup_epochs": 1.0}
