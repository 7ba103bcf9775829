r"""`<out>/figures`: what goes into a paper.

tofu-forget10-tiny-tradeoff.svg, .pdf    each picture of the page
tofu-forget10-tiny.tex                   the leaderboard, for \usepackage{booktabs}
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from suite.report.latex import as_latex
from suite.report.pictures.plot import Drawing
from suite.report.svg import as_file
from suite.report.table import Table

LONGEST = 40
"""Characters of a benchmark's, split's or model's name in the name of a file."""


def files(tables: Sequence[Table], pictures: Sequence[Sequence[Drawing]]) -> dict[str, str | bytes]:
    """Render the figures: path within the run's folder -> content. `pictures`: of each table."""
    found: dict[str, str | bytes] = {}
    for table, drawings in zip(tables, pictures, strict=True):
        stem = "-".join(_plain(part) for part in table.comparison.key)
        found[_unused(stem, ".tex", found)] = as_latex(table)
        for drawing in drawings:
            path = _unused(f"{stem}-{drawing.kind}", ".svg", found)
            found[path] = as_file(drawing.figure, "svg")
            found[path.replace(".svg", ".pdf")] = as_file(drawing.figure, "pdf")
    return found


def _plain(name: str) -> str:
    """Keep of a name what is safe in the name of a file."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:LONGEST] or "x"


def _unused(stem: str, ending: str, taken: dict[str, str | bytes]) -> str:
    """Number a name that is taken: tradeoff, tradeoff-2, ..."""
    path, number = f"figures/{stem}{ending}", 1
    while path in taken:
        number += 1
        path = f"figures/{stem}-{number}{ending}"
    return path
