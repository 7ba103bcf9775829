"""Observers that write down how training went.

`run_log` always does, the others if the run asks for them (`--log tensorboard`).
"""

LOGGERS = ("tensorboard", "wandb", "trackio")
"""The built-in names for `--log`. A plugin that logs is asked for by its entry point's name."""
