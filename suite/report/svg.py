"""A matplotlib figure as inline SVG without `style`, which the page's content policy forbids.

Text is drawn as paths, and identifiers come from a fixed salt, so that the same figure always gives
the same bytes.
"""

from __future__ import annotations

import io
import re
from contextlib import AbstractContextManager
from html import escape
from typing import TYPE_CHECKING, Any

from suite.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, LINE = "#1c2230", "#68707f", "#dde1e8"
"""Text and baselines, secondary text, grid. In dark mode the style sheet replaces these colours."""
PALETTE = ("#3a6fb5", "#cf6f2a", "#3a9278", "#b34a72", "#7b64b9", "#97871f", "#4a9fc4", "#8d5c40")
"""Colours of methods, readable on light and dark ground; in the style sheet: .c0, .c1, ..."""

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "suite",
    "text.parse_math": False,  # a method's name may hold a dollar sign
    "text.color": INK,
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "axes.labelsize": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.major.size": 0,
    "xtick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "ytick.labelcolor": MUTED,
}
_OPENING = """\
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {viewbox} \
class="plot" role="img" stroke-linejoin="round" stroke-linecap="butt" aria-label="{label}">"""


def report_style() -> AbstractContextManager[None]:
    """Draw with the report's settings, whatever the user's own matplotlib settings are."""
    from matplotlib import style

    return style.context(["default", _SETTINGS])


def as_svg(figure: Figure, name: str, description: str) -> str:
    """Render `figure` for embedding. `name` starts its identifiers and must be unique in a page."""
    out = io.StringIO()
    # Without date and creator, which would change the bytes.
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    unwanted = r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>"
    text = re.sub(unwanted, "", out.getvalue(), flags=re.DOTALL)
    text = text[text.index("<svg") :]  # drops the XML declaration and the document type
    text = _prefix_identifiers(text, name)
    text = re.sub(r' style="([^"]*)"', lambda match: _as_attributes(match[1]), text)
    viewbox = re.search(r'viewBox="[^"]*"', text)
    assert viewbox is not None, "matplotlib writes a viewBox"
    body = _shorten_numbers(text[text.index(">") + 1 :])
    opening = _OPENING.format(viewbox=viewbox[0], label=escape(one_line(description)))
    lines = (line.strip() for line in f"{opening}{body}".splitlines())
    return "\n".join(filter(None, lines))


def _shorten_numbers(text: str) -> str:
    """Round coordinates to a hundredth of a point, which nobody sees, and spell paths in short.

    Scales stay as they are: they size the letters.
    """
    coordinates = r' (?:x|y|x1|x2|y1|y2|points)="[^"]*"|translate\([^)]*\)'
    text = re.sub(coordinates, lambda match: _rounded(match[0]), text)
    return re.sub(r' d="([^"]*)"', lambda match: f' d="{_short_path(_rounded(match[1]))}"', text)


def _rounded(text: str) -> str:
    return re.sub(r"-?\d+\.\d+", lambda match: f"{round(float(match[0]), 2) + 0.0:.6g}", text)


def _short_path(path: str) -> str:
    """Leave out the letter of a line that follows a move or another line: SVG takes it for
    granted."""
    found = []
    last = ""
    for part in path.split():
        if part.isalpha():
            if not (part == "L" and last in ("M", "L")):
                found.append(part)
            last = part
        else:
            found.append(part)
    return " ".join(found)


def _prefix_identifiers(text: str, name: str) -> str:
    """Make identifiers unique within the page, and remove those that nothing refers to."""
    reference = r'(href="#|url\(#)'
    used = {match[2] for match in re.finditer(rf'{reference}([^")]+)', text)}

    def rename(match: re.Match[str]) -> str:
        return f' id="{name}-{match[1]}"' if match[1] in used else ""

    text = re.sub(r' id="([^"]*)"', rename, text)
    return re.sub(reference, rf"\g<1>{name}-", text)


def _as_attributes(style: str) -> str:
    """Turn "fill: none; stroke: #fff" into presentation attributes."""
    attributes = ""
    for part in style.split(";"):
        name, colon, value = part.partition(":")
        if colon:
            attributes += f' {name.strip()}="{value.strip()}"'
    return attributes
