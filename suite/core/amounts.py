"""Amounts as people read them."""

from __future__ import annotations


def in_bytes(size: float) -> str:
    """ "512 B", "1.5 kB", "16.0 GB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
