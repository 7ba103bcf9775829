"""Observers that write down how training went. `run_log` always does; the others if asked for (`--log tensorboard`)."""
