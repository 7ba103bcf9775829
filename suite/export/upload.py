"""What of a folder goes to the hub: a model that `suite export --model` wrote, or a run's results.

    upload = gather(Path("npo-forget10"))      .kind "model"      weights, tokenizer, card, results
    upload = gather(Path("runs/latest"))       .kind "dataset"    results, leaderboards, answers

Of a run nothing else goes: its log and its configuration may name folders of this machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from suite.core.errors import UserError
from suite.model.source import model_files
from suite.report.text import markdown, one_line
from suite.results import schema
from suite.results.schema import Results

RESULTS, CARD = "results.json", "README.md"
LEADERBOARDS = ("leaderboard.json", "leaderboard.csv", "leaderboard.md", "leaderboard.html")
HUB_RESULTS = ".eval_results"
"""Folder of the hub's own result files in a model's repository."""


@dataclass(frozen=True)
class Upload:
    """The content of a repository on the hub."""

    kind: Literal["model", "dataset"]
    files: dict[str, Path | bytes]
    """Path in the repository -> the file, or its content."""

    def sizes(self) -> dict[str, int]:
        """Bytes of each file."""
        return {
            name: len(each) if isinstance(each, bytes) else each.stat().st_size
            for name, each in self.files.items()
        }


def gather(folder: Path) -> Upload:
    """The files of a run or a model. UserError: the folder is neither."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    if (folder / RESULTS).is_file():
        return Upload("dataset", _of_run(folder))
    if (folder / "config.json").is_file():
        return Upload("model", dict(_of_model(folder)))
    found = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
    raise UserError(
        f"{folder}: neither a run ({RESULTS}) nor a model (config.json); it holds {found}"
    )


def _of_model(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in model_files(folder, "push"):
        yield path.name, path
    if (folder / CARD).is_file():
        yield CARD, folder / CARD
    for path in sorted((folder / HUB_RESULTS).glob("*.yaml")):
        yield f"{HUB_RESULTS}/{path.name}", path


def _of_run(run: Path) -> dict[str, Path | bytes]:
    results = schema.read(run / RESULTS)
    files: dict[str, Path | bytes] = {RESULTS: run / RESULTS}
    files |= {name: run / name for name in LEADERBOARDS if (run / name).is_file()}
    answered = [cell.cell.slug for cell in results.cells]
    samples = {f"samples/{slug}.jsonl": run / "samples" / f"{slug}.jsonl" for slug in answered}
    files |= {name: path for name, path in samples.items() if path.is_file()}
    return {CARD: data_card(results, run, files).encode(), **files}


def data_card(results: Results, run: Path, files: dict[str, Path | bytes]) -> str:
    """The card of a run's data set: a table of answers for each cell, and the leaderboard."""
    configs = [
        {"config_name": name.removeprefix("samples/").removesuffix(".jsonl"), "data_files": name}
        for name in files
        if name.startswith("samples/")
    ]
    head: dict[str, Any] = {"tags": ["suite-compare"], **({"configs": configs} if configs else {})}
    board = run / "leaderboard.md"
    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False) + "---",
        "",
        f"# {markdown(', '.join(_compared(results)))}",
        "",
        "Made by",
        "",
        *(f"    {one_line(command)}" for command in results.run.command.splitlines()),
        "",
        f"`{RESULTS}` holds every metric; each file in `samples/` the answers of one row, an item "
        "a line.",
        "",
        *([board.read_text(encoding="utf-8")] if board.is_file() else []),
    ]
    return "\n".join(lines)


def _compared(results: Results) -> Iterator[str]:
    """Each benchmark with its split, once."""
    tables = [f"{table.benchmark} {table.split}" for table in results.comparisons]
    yield from dict.fromkeys(tables)
