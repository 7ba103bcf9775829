"""A matplotlib figure as inline SVG, and as files for a paper.

Inline it has no `style`, which the page's content policy forbids.

Text is drawn as paths, and identifiers come from a fixed salt, so that the same figure always gives
the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from suite.report.colours import INK, LINE, MUTED
from suite.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "suite",
    "pdf.fonttype": 42,  # what journals ask for
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
class="plot" role="{role}" stroke-linejoin="round" stroke-linecap="butt" aria-label="{label}">"""


def report_style() -> AbstractContextManager[None]:
    """Draw with the report's settings, whatever the user's own matplotlib settings are."""
    from matplotlib import style

    return style.context(["default", _SETTINGS])


def as_svg(
    figure: Figure, name: str, description: str, titles: Mapping[str, str] | None = None
) -> str:
    """Render `figure` for embedding. `name` starts its identifiers and must be unique in a page.

    `titles`: identifier of an artist (`set_gid`, "mark-3") -> what a reader sees on pointing at it
    or tabbing to it. It becomes the class "mark", and so does "path-3" the class "path m3".
    """
    text = _render(figure, "svg").decode()
    unwanted = r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>"
    text = re.sub(unwanted, "", text, flags=re.DOTALL)
    text = text[text.index("<svg") :]  # drops the XML declaration and the document type
    text = _name_artists(text, titles or {})
    text = _prefix_identifiers(text, name)
    text = re.sub(r' style="([^"]*)"', lambda match: _as_attributes(match[1]), text)
    viewbox = re.search(r'viewBox="[^"]*"', text)
    assert viewbox is not None, "matplotlib writes a viewBox"
    body = _shorten_numbers(text[text.index(">") + 1 :])
    # The content of an image cannot be tabbed to, that of a group can.
    role = "group" if titles else "img"
    opening = _OPENING.format(viewbox=viewbox[0], role=role, label=escape(one_line(description)))
    lines = (line.strip() for line in f"{opening}{body}".splitlines())
    return "\n".join(filter(None, lines))


def as_file(figure: Figure, kind: Literal["svg", "pdf"]) -> bytes:
    """Render `figure` for a paper, without what a page shows on pointing at a mark."""
    hidden = [artist for artist in figure.findobj(_is_hover) if artist.get_visible()]
    for artist in hidden:
        artist.set_visible(False)
    try:
        return _render(figure, kind)
    finally:
        for artist in hidden:
            artist.set_visible(True)


def _is_hover(artist: Artist) -> bool:
    return str(artist.get_gid() or "").startswith("path-")


def _render(figure: Figure, kind: Literal["svg", "pdf"]) -> bytes:
    # Without dates and program names, which would change the bytes.
    unnamed = {"svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}
    metadata: dict[str, Any] = dict.fromkeys(unnamed[kind])
    out = io.BytesIO()
    with report_style():
        figure.savefig(out, format=kind, transparent=True, metadata=metadata)
    return out.getvalue()


def _name_artists(text: str, titles: Mapping[str, str]) -> str:
    """Make classes of the identifiers of marks and paths, and give marks their titles."""

    def name(match: re.Match[str]) -> str:
        kind, number = match[1], match[2]
        if kind == "path":
            return f'<g class="path m{number}">'
        title = escape(one_line(titles.get(f"{kind}-{number}", "")))
        return f'<g class="mark" tabindex="0" role="img"><title>{title}</title>'

    return re.sub(r'<g id="(mark|path)-(\d+)">', name, text)


def _shorten_numbers(text: str) -> str:
    """Round coordinates to a twentieth of a point, which nobody sees, and spell paths in short.

    Scales stay as they are: they size the letters.
    """
    coordinates = r' (?:x|y|x1|x2|y1|y2|points)="[^"]*"|translate\([^)]*\)'
    text = re.sub(coordinates, lambda match: _rounded(match[0]), text)
    return re.sub(r' d="([^"]*)"', lambda match: f' d="{_short_path(_rounded(match[1]))}"', text)


def _rounded(text: str) -> str:
    return re.sub(r"-?\d+\.\d+", lambda match: f"{round(float(match[0]), 1) + 0.0:.6g}", text)


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
