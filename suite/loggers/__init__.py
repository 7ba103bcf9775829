"""Observers that write down how training went. `run_log` always does; the others if asked for (`--log tensorboard`)."""

LOGGERS = ("tensorboard", "wandb", "trackio")
"""The built-in names for `--log`; a plugin that logs is asked for by the name of its entry point."""
