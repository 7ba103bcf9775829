r"""What may be printed: everything, whatever the terminal's encoding can show, but nothing that
steers
the terminal.

    say("\x1b[31mred")    prints ␛[31mred

A table has arrows and lines that ASCII and cp1252 lack. A character that cannot be shown is
replaced by the nearest that can, so the end of a long run is never lost to an encoding.
"""

from __future__ import annotations

import codecs
import io
import sys

import click

from suite.report.text import visible

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


def say(text: object, *, err: bool = False) -> None:
    """Print one line; control characters, from names of plugins or of other people's runs, are
    shown and not obeyed."""
    # Not `one_line`: spaces align columns, and belong to paths.
    click.echo(visible(" ".join(str(text).splitlines())), err=err)


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
