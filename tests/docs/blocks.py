"""The commands that the documentation shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md"))]
"""Pages whose command blocks are all executed."""
OTHERS = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
"""Pages that show single commands, as indented lines with a remark behind."""
FENCE = re.compile(r"(?:<!-- run by (\S+) -->\n)?```bash\n(.*?)```", re.DOTALL)
HEREDOC = re.compile(r"<<'END'\n.*?\nEND\n", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block of commands."""

    code: str
    run_by: str = ""
    """The test that runs it, if it is not run with its page."""


def blocks(page: Path) -> list[Block]:
    """All command blocks of a page, in order."""
    return [Block(code, run_by) for run_by, code in FENCE.findall(page.read_text())]


def commands(code: str) -> Iterator[list[str]]:
    """The arguments of each call of `suite` in a block, without `suite` itself."""
    text = HEREDOC.sub("\n", code).replace("\\\n", " ")
    for line in text.splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        call: list[str] = []
        for word in [*words, ";"]:
            if set(word) <= set("();<>|&"):
                yield from _of_suite(call)
                call = []
            else:
                call.append(word)


def _of_suite(call: list[str]) -> Iterator[list[str]]:
    if "suite" in call:
        yield call[call.index("suite") + 1 :]


def single_commands(page: Path) -> Iterator[list[str]]:
    """The arguments of indented calls; three spaces part a command from what is said about it."""
    text = page.read_text().replace("\\\n", " ")
    for line in re.findall(r"^    suite (.*)$", text, flags=re.MULTILINE):
        command = re.split(r"\s{3,}", re.sub(r" {2,}(?=--)", " ", line))[0]
        if "..." not in command:
            yield from commands(f"suite {command}")
