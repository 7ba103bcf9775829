"""The settings of a run, of training, and of engines, judges and attacks."""

from __future__ import annotations

from typing import Any

from docgen.markdown import plain, settings_table, summary
from suite.config.fields import settings_of
from suite.registry import Registry
from suite.registry.checks import ATTACK_SECTION, JUDGE_SECTION
from suite.settings import RunConfig, TrainConfig

INTRODUCTION = """# Settings

A setting has one name everywhere. `npo.beta`, for example, is

- `--set npo.beta=0.05` on the command line,
- `beta = 0.05` below `[npo]` in a configuration file (`--config run.toml`),
- `SUITE_NPO__BETA=0.05` in the environment.

Settings of the run itself have no section: `--seeds 0,1`, `seeds = [0, 1]`, `SUITE_SEEDS=0,1`.
Later layers override earlier ones: defaults, the benchmark's protocol, configuration file,
environment, flags, `--set`. `suite config show` prints the outcome as a file, `suite config schema`
a JSON schema for editors."""


def page(registry: Registry) -> dict[str, str]:
    """Path -> text."""
    parts = [
        INTRODUCTION,
        "## Run",
        settings_table("", RunConfig),
        "## Training",
        "Written `train.lr` for all methods, `finetune.lr` for the start models, and `npo.lr` for "
        "one method alone.",
        settings_table("train", TrainConfig),
        "## Methods and benchmarks",
        "Each has a page: [methods](methods/index.md), [benchmarks](benchmarks/index.md).",
        "## Engines",
        "An engine asks a model and brings its answers back: `--engine NAME`.",
        *_sections(registry.engines(), ""),
        "## Judges",
        "A judge says which of two answers is better: `--judge NAME`, on the benchmark `win_rate`.",
        *_sections(registry.judges(), JUDGE_SECTION),
        "## Attacks",
        "An attack tries to bring back what was to be forgotten: `--attack NAME`, on benchmarks "
        "that say what is to be forgotten. [Attacks](../how-to/attacks.md) shows them in use.",
        *_sections(registry.attacks(), ATTACK_SECTION),
    ]
    return {"reference/settings.md": "\n\n".join(parts) + "\n"}


def _sections(classes: list[Any], prefix: str) -> list[str]:
    parts = []
    for cls in classes:
        parts += [f"### `{prefix}{cls.name}`", plain(summary(cls))]
        own = settings_of(cls.Config)
        parts.append(settings_table(f"{prefix}{cls.name}", cls.Config) if own else "No settings.")
    return parts
