"""The published leaderboards under reports/, and the pictures that the documentation shows."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

from suite.cli import main

ROOT = Path(__file__).parent.parent
REPORTS = ROOT / "reports"
SHOWN = {
    "tradeoff": ("tofu", "tofu-*-tradeoff.svg"),
    "trajectory": ("tofu_smollm2_reduced", "*-trajectory.svg"),
    "curves": ("bandit", "*-curves.svg"),
    "frontier": ("sentiment_smollm2", "*-frontier.svg"),
    "distribution": ("tofu_smollm2_reduced", "*-distribution.svg"),
    "bars": ("preferences", "*-bars.svg"),
}
"""Kind of picture -> the report whose picture is shown as an example, and its file."""


def index() -> dict[str, str]:
    """The list of published leaderboards, and those that are kept as text alone: path -> text."""
    text = (REPORTS / "README.md").read_text()
    pages = {}
    for path in sorted(REPORTS.glob("*/leaderboard.md")):
        name = path.parent.name
        if name in leaderboards():
            text = text.replace(f"({name}/leaderboard.md)", f"({name}/leaderboard.html)")
        else:
            pages[f"reports/{name}/leaderboard.md"] = path.read_text()
    return {"reports/index.md": text, **pages}


def leaderboards() -> dict[str, Path]:
    """Name of a report -> its page."""
    return {path.parent.name: path for path in sorted(REPORTS.glob("*/leaderboard.html"))}


def pictures() -> Iterator[tuple[str, bytes]]:
    """Each kind of picture as an example: its name, and an SVG file."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, (report, pattern) in SHOWN.items():
            out = Path(folder) / report
            if not out.exists():
                _draw(REPORTS / report, out)
            drawn = sorted((out / "figures").glob(pattern))
            if not drawn:
                raise LookupError(f"{report} has no picture {pattern}")
            yield kind, drawn[0].read_bytes()


def _draw(report: Path, out: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        status = main(["report", str(report), "--out", str(out)])
    if status:
        raise RuntimeError(f"suite report {report} ended with status {status}")
