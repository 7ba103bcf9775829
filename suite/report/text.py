r"""Make text from models, plugins and files inert: it is shown, but never interpreted.

    visible("\x1b[31mred")    "␛[31mred"           no escape code reaches a terminal or a page
    markdown("<b>`x`")        "&#60;b&#62;\`x\`"   no markup, no link, no image, no broken table
    cell("=cmd()")            "'=cmd()"            no formula in a spreadsheet

HTML is escaped by jinja, after `visible`.
"""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories that steer a display: controls, formats (bidi, tags), separators, ..."""
_ALLOWED = frozenset("\n\t\u200c\u200d")
"""Line ends, tabs, and the two joiners that scripts and emoji need."""
_ENTITIES = re.compile(r"[<>&|@]")
"""Characters that not every Markdown reader can escape with a backslash."""
_MARKUP = re.compile(
    r"""[\\`*\[\]!#~$^{}]                   # emphasis, code, links, images, headings, mathematics
    |(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])   # an underscore inside a word is plain
    |:(?=//)|(?<=www)\.                   # addresses become links by themselves
    |^[-+=](?![\d.])|^\d{1,9}[.)](?=\s|$)          # lists, headings""",
    re.VERBOSE | re.IGNORECASE,
)


def visible(text: str) -> str:
    """Replace every character that steers a display by one that shows it."""
    return "".join(c if c.isascii() and c.isprintable() else _shown(c) for c in text)


def _shown(char: str) -> str:
    code = ord(char)
    if char in _ALLOWED:
        return char
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: ␀ ␛ ...
    if unicodedata.category(char) in _HIDDEN or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return f"\\u{code:04x}"
    return char


def one_line(text: str) -> str:
    """Make `text` visible, on one line."""
    return " ".join(visible(text).split())


def markdown(text: str) -> str:
    """Escape `text` for one cell or line of Markdown."""
    escaped = _MARKUP.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", one_line(text))
    return _ENTITIES.sub(lambda match: f"&#{ord(match[0])};", escaped)


def cell(text: str) -> str:
    """Escape `text` for a CSV cell, so that no spreadsheet reads it as a formula."""
    text = one_line(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
