"""What may be printed: everything, whatever the terminal's encoding can show.

A table has arrows and lines that ASCII and cp1252 lack. A character that cannot be shown is
replaced by the nearest that can, so the end of a long run is never lost to an encoding.
"""

from __future__ import annotations

import codecs
import io
import sys

NEAREST = str.maketrans(
    {
        "↑": "^",
        "↓": "v",
        "−": "-",
        "–": "-",
        "—": "-",
        "─": "-",
        "━": "=",
        "·": "-",
        "•": "*",
        "…": "...",
        "“": '"',
        "”": '"',
        "±": "+-",
        "×": "x",
        "≥": ">=",
        "≤": "<=",
    }
)


def never_fail_on_an_encoding() -> None:
    """Let stdout and stderr replace what their encoding lacks, instead of raising."""
    codecs.register_error("suite-nearest", _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="suite-nearest")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    near = lacking.translate(NEAREST)
    return near.encode("ascii", "replace").decode(), error.end
