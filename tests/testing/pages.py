"""What tests read in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"


def headings(page: str) -> list[str]:
    """The headings of the third level, in order."""
    return re.findall(r"^### (.+)$", (DOCS / page).read_text(), flags=re.MULTILINE)
