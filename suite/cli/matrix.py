"""`suite list --matrix`: which method runs on which benchmark."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from suite.config.families import fits
from suite.registry import Registry


def matrix_rows(registry: Registry) -> list[dict[str, Any]]:
    """A row for each method, by family; "yes" below every benchmark that has what it needs.

    Benchmarks that train nothing are left out: they measure the models of all others.
    """
    benchmarks = [cls for cls in registry.benchmarks() if cls.trains != "nothing"]
    rows: list[dict[str, Any]] = []
    for method in sorted(registry.methods(), key=attrgetter("family", "name")):
        marks = {cls.name: "yes" if fits(method, cls) else "" for cls in benchmarks}
        rows.append({"method": method.name, "family": method.family, **marks})
    return rows
