"""Configuration: defaults < the benchmark's protocol < file < SUITE_* environment < flags < --set.

    config = resolve(registry, Path("run.toml"), {"seeds": "0,1"}, ["npo.beta=0.05"], os.environ)
    settings, training = method_settings(config, registry, "npo:beta=0.5", "tofu", "forget10")

A mistake is one line that names the layer, the setting, the value and what was expected.
"""

from __future__ import annotations

from suite.config.attacks import attack_settings, check_attacks
from suite.config.command import rebuild_command
from suite.config.dump import json_schema, to_toml
from suite.config.finished import finished_path, row_name
from suite.config.instances import (
    benchmark_settings,
    chosen_splits,
    engine_of,
    engine_settings,
    judge_settings,
    only_experiments,
)
from suite.config.places import elsewhere
from suite.config.resolve import (
    blocked,
    resolve,
    resolve_recorded,
    single_files,
)
from suite.config.specs import split_attack, split_bench, split_spec
from suite.config.training import (
    finetune_settings,
    method_seeds,
    method_settings,
    seeds_of,
    settings_of_method,
    smallest_lr,
)

__all__ = [
    "attack_settings",
    "benchmark_settings",
    "blocked",
    "check_attacks",
    "chosen_splits",
    "elsewhere",
    "engine_of",
    "engine_settings",
    "finetune_settings",
    "finished_path",
    "json_schema",
    "judge_settings",
    "method_seeds",
    "method_settings",
    "only_experiments",
    "rebuild_command",
    "resolve",
    "resolve_recorded",
    "row_name",
    "seeds_of",
    "settings_of_method",
    "single_files",
    "smallest_lr",
    "split_attack",
    "split_bench",
    "split_spec",
    "to_toml",
]
