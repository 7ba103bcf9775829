"""Colours of the report: eleven for methods, and those of text and grid, on light and dark ground.

The colours of methods were searched for by simulated annealing in Oklab. Any two of them, and the
ink, are at least .10 apart under simulated protanopia and deuteranopia and .16 in normal vision
(matplotlib's ten: .007 and .11), and each has a contrast of 3:1 with its ground.
"""

from __future__ import annotations

from collections.abc import Iterator

INK, MUTED, LINE = "#1c2230", "#68707f", "#dde1e8"
"""Text and baselines, secondary text, grid. In dark mode the style sheet replaces these colours."""

PALETTE = (
    "#7495c6", "#7f9d12", "#1221bc", "#e75c8c", "#1c4a00", "#9950bb",
    "#a0014a", "#0d5e7c", "#5e007a", "#986126", "#176cfb",
)  # fmt: skip
"""Colours of methods, in files and on light ground; in the style sheet: .c0, .c1, ..."""

DARK = (
    "#319ec6", "#fdc325", "#7ce0a3", "#e42682", "#7e9b04", "#a16afe",
    "#c89982", "#017c5d", "#d5acfa", "#af4c00", "#4262c4",
)  # fmt: skip
"""The same on dark ground."""


def style_rules() -> str:
    """Return the rules of the style sheet that follow from the colours."""
    return "\n".join(_rules()) + "\n"


def _rules() -> Iterator[str]:
    yield f":root {{ {_variables(PALETTE)} }}"
    yield f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}"
    named = {"ink": INK, "muted": MUTED, "line": LINE}
    for number, paint in enumerate(PALETTE):
        named[f"c{number}"] = paint
        yield f".c{number} {{ color: var(--c{number}); }}"
    for name, paint in named.items():
        yield (
            f'[fill="{paint}"] {{ fill: var(--{name}); }} '
            f'[stroke="{paint}"] {{ stroke: var(--{name}); }}'
        )


def _variables(paints: tuple[str, ...]) -> str:
    return " ".join(f"--c{number}: {paint};" for number, paint in enumerate(paints))
