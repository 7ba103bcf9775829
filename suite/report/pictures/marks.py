"""How a method looks, the same in the table and in every picture: its colour, mark and line style.

    number_of(table, "npo")    3          its place among the methods, by name
    paint_of(table, "npo")     "#986126"
    marker_of(table, "npo")    "D"        as matplotlib calls it
    outline(marker)            "M -0.5 0 ..."   the same mark as an SVG path

Eleven methods have eleven colours and eleven marks. From the twelfth on a colour is used again,
with another mark.
"""

from __future__ import annotations

from functools import cache

from suite.report.colours import INK, PALETTE
from suite.report.table import Table

_MARKERS = "os^DvP<p>dh"
_DASHES = ("-", "--", "-.", ":")
_BASELINE_MARKERS = "*XP"
"""The model that methods are compared with has the first, other start models the next."""


def number_of(table: Table, method: str) -> int | None:
    """Return the number of a method among those of its table, by name; None for a baseline."""
    names = sorted(row.method for row in table.methods)
    return names.index(method) if method in names else None


def colour(table: Table, method: str) -> int | None:
    """Return the index of a method's colour; None for a baseline."""
    number = number_of(table, method)
    return None if number is None else number % len(PALETTE)


def paint_of(table: Table, method: str) -> str:
    """Return the colour of a method's marks; ink for a baseline."""
    index = colour(table, method)
    return INK if index is None else PALETTE[index]


def marker_of(table: Table, method: str) -> str:
    """Return the mark of a method's points."""
    number = number_of(table, method)
    if number is None:
        return _mark_baseline(table, method)
    # Where a colour is used again, it comes with another mark.
    return _MARKERS[(number + number // len(PALETTE)) % len(_MARKERS)]


def _mark_baseline(table: Table, method: str) -> str:
    names = [row.method for row in table.baselines]
    names.sort(key=lambda name: name != table.comparison.baseline)
    place = names.index(method) if method in names else 0
    return _BASELINE_MARKERS[min(place, len(_BASELINE_MARKERS) - 1)]


def dashes_of(table: Table, method: str) -> str:
    """Return the line style of a method; methods of the same colour have different ones."""
    return _DASHES[(number_of(table, method) or 0) // len(PALETTE) % len(_DASHES)]


@cache
def outline(marker: str) -> str:
    """Return a mark as the data of an SVG path that fits into the square from -0.6 to 0.6."""
    from matplotlib.markers import MarkerStyle
    from matplotlib.path import Path

    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
    style = MarkerStyle(marker)
    parts: list[str] = []
    for numbers, code in style.get_path().transformed(style.get_transform()).iter_segments():
        if code == Path.CLOSEPOLY:
            parts.append("Z")
            continue
        places = [number if i % 2 == 0 else -number for i, number in enumerate(numbers)]
        parts.append(" ".join([letters[code], *(f"{place + 0.0:.3g}" for place in places)]))
    return " ".join(parts)
