"""Which method runs on which benchmark."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from docgen.markdown import table
from suite.config.families import fits
from suite.registry import Registry

INTRODUCTION = """# Which method runs on which benchmark

A method needs training data of certain kinds, its *roles*; a benchmark offers some. Where all are
there, the method runs. `suite list --matrix` prints the same table, with your own plugins in it.

A run looks at the data too. It leaves out a method for which the given files hold no rows, or
whose model cannot answer what the benchmark asks (`reward_model` writes no text), and says so.
`lm_eval` trains nothing: it measures the models that the other benchmarks of a run leave."""


def page(registry: Registry) -> dict[str, str]:
    """Path -> text."""
    parts = [INTRODUCTION]
    benchmarks = [cls for cls in registry.benchmarks() if cls.trains != "nothing"]
    head = ["method", *(f"[{cls.name}](benchmarks/{cls.name}.md)" for cls in benchmarks)]
    methods = sorted(registry.methods(), key=attrgetter("family", "name"))
    for family, members in groupby(methods, key=attrgetter("family")):
        rows = []
        for method in members:
            marks = ["yes" if fits(method, benchmark) else "" for benchmark in benchmarks]
            rows.append([f"[`{method.name}`](methods/{method.name}.md)", *marks])
        parts += [f"## {family}", table(head, rows)]
    return {"reference/matrix.md": "\n\n".join(parts) + "\n"}
