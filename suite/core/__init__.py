"""Errors, progress, interruption: what everything else stands on."""
