"""A matplotlib figure as inline SVG that needs no `style`: the page's content security policy allows none.

Text is drawn as paths and identifiers come from a fixed salt, so that the same figure gives the same bytes.
"""

from __future__ import annotations

import io
import re
from contextlib import AbstractContextManager
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, LINE = "#1c2230", "#68707f", "#dde1e8"
"""Text and baselines, secondary text, grid: the page's style sheet replaces these in dark mode."""
PALETTE = ("#3a6fb5", "#cf6f2a", "#3a9278", "#b34a72", "#7b64b9", "#97871f", "#4a9fc4", "#8d5c40")
"""Colours of methods, readable on light and on dark ground; the style sheet knows them as .c0, .c1, ..."""

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "path", "svg.hashsalt": "suite", "text.parse_math": False, "font.family": "DejaVu Sans",
    "font.size": 8.5, "text.color": INK, "lines.linewidth": 1.4, "legend.frameon": False,
    "axes.labelsize": 9, "axes.edgecolor": LINE, "axes.labelcolor": INK, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.6,
    "xtick.major.size": 0, "xtick.labelcolor": MUTED, "ytick.major.size": 0, "ytick.labelcolor": MUTED,
}  # fmt: skip


def report_style() -> AbstractContextManager[None]:
    """Draw with the report's settings, whatever the user's own matplotlib settings are."""
    from matplotlib import style

    return style.context(["default", _SETTINGS])


def as_svg(figure: Figure, name: str, description: str) -> str:
    """Render `figure` for embedding; `name` keeps its identifiers apart from other figures'."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = re.sub(
        r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>",
        "",
        out.getvalue(),
        flags=re.DOTALL,
    )
    text = text[text.index("<svg") :]
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r' style="([^"]*)"', lambda match: _attributes(match[1]), text)
    head = re.search(r'viewBox="[^"]*"', text)
    assert head is not None, "matplotlib writes a viewBox"
    body = text[text.index(">") + 1 :]
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {head[0]}'
    look = 'class="plot" role="img" stroke-linejoin="round" stroke-linecap="butt"'
    lines = f'{opening} {look} aria-label="{escape(description)}">{body}'.splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def _attributes(style: str) -> str:
    """Turn "fill: none; stroke: #fff" into presentation attributes."""
    pairs = (part.split(":", 1) for part in style.split(";") if ":" in part)
    return "".join(f' {name.strip()}="{value.strip()}"' for name, value in pairs)
