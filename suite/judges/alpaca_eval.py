"""AlpacaEval's files: verdicts written in its columns, and its annotations read back.

    <out>/alpaca_eval/leaderboard.csv             a row for each cell
    <out>/alpaca_eval/<cell>/model_outputs.json   instruction, output, generator, dataset
    <out>/alpaca_eval/<cell>/annotations.json     ... output_1 (rival), output_2 (candidate),
                                                  preference

A preference is 1 where the rival's answer is better, 2 where the candidate's is, 1.5 for a tie;
anything between counts by its value. Here it is 1 + the score of both orders; null where a verdict
could not be read.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from suite.core.errors import UserError

if TYPE_CHECKING:
    pass

LENGTH_TERM = (1.6, 0.25)
"""Mean and standard deviation of the length coefficient that AlpacaEval's fit finds for the verbose
and the concise version of its baseline (arXiv 2404.04475)."""

DIFFICULTY_TERM = (0.0, 0.22)
"""Mean and standard deviation of the difficulties' coefficient, which their penalty shrinks too.
The deviation was chosen on two published models (alpaca-7b, claude-2.1_concise), which it brings
within .1 and .3 points: no test of other models."""


@dataclass(frozen=True)
class Annotation:
    """One comparison."""

    instruction: str
    output_1: str
    output_2: str
    preference: float
    """1..2."""


def read_annotations(path: Path) -> list[Annotation]:
    """Read annotations.json. UserError names the file, the item and the column.

    Items without a preference are left out, as AlpacaEval does.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not JSON: {error}") from None
    if not isinstance(content, list) or not content:
        raise UserError(f"{path}: must be a list of annotations")
    kept: list[Annotation] = []
    for number, item in enumerate(content, 1):
        annotation = _annotation(item, f"{path}, item {number}")
        if annotation is not None:
            kept.append(annotation)
    if not kept:
        raise UserError(f"{path}: no annotation has a preference")
    return kept


def _annotation(item: Any, place: str) -> Annotation | None:
    """Check one item; None if it has no preference."""
    if not isinstance(item, dict):
        raise UserError(f"{place}: must be an object")
    for column in ("instruction", "output_1", "output_2", "preference"):
        if column not in item:
            raise UserError(f"{place}: no column {column!r}, there are {', '.join(item)}")
        if column != "preference" and not isinstance(item[column], str):
            raise UserError(f"{place}, {column!r}: must be a text")
    given = item["preference"]
    if given is None or given != given:  # null and NaN
        return None
    if given == 0:  # a tie, in older files
        given = 1.5
    if isinstance(given, bool) or not isinstance(given, int | float) or not 1 <= given <= 2:
        raise UserError(
            f"{place}, 'preference': must be a number in 1..2, not {item['preference']!r}"
        )
    return Annotation(item["instruction"], item["output_1"], item["output_2"], float(given))


def read_difficulties(path: Path, annotations: Sequence[Annotation]) -> list[float]:
    """The difficulty of each annotation's instruction, from a table by the instruction's SHA-256.

    UserError: no such table, or an instruction is missing.
    """
    found: list[float] = []
    known = known_difficulties(path, [each.instruction for each in annotations])
    for each, difficulty in zip(annotations, known, strict=True):
        if difficulty is None:
            raise UserError(f"{path}: no difficulty of the instruction {each.instruction[:60]!r}")
        found.append(difficulty)
    return found


def known_difficulties(path: Path, instructions: Sequence[str]) -> list[float | None]:
    """The difficulty of each instruction, from a table by its SHA-256; None where it is missing.

    Columns: instruction_sha256, difficulty. UserError: no such table.
    """
    known: dict[str, float] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                known[row["instruction_sha256"]] = float(row["difficulty"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a table of instruction_sha256, difficulty: {error}") from None
    return [known.get(hashlib.sha256(text.encode()).hexdigest()) for text in instructions]


def summary(
    annotations: Sequence[Annotation], difficulties: Sequence[float] | None = None
) -> dict[str, float | None]:
    """Compute AlpacaEval's columns of one model, in percent where theirs are.

    win_rate is the mean preference - 1. difficulties: of the annotations' instructions, if known.
    """
    from suite import stats

    wins = [each.preference - 1 for each in annotations]
    n = len(wins)
    own_lengths = [len(each.output_2) for each in annotations]
    rival_lengths = [len(each.output_1) for each in annotations]
    controlled = stats.length_controlled_win_rate(
        wins,
        own_lengths,
        rival_lengths,
        difficulties,
        length_prior=LENGTH_TERM,
        difficulty_prior=DIFFICULTY_TERM,
    )
    discrete = [0.5 if win == 0.5 else float(win > 0.5) for win in wins]
    return {
        "win_rate": 100 * fmean(wins),
        "standard_error": 100 * stdev(wins) / math.sqrt(n) if n > 1 else None,
        "n_wins": sum(win > 0.5 for win in wins),
        "n_wins_base": sum(win < 0.5 for win in wins),
        "n_draws": sum(win == 0.5 for win in wins),
        "n_total": n,
        "discrete_win_rate": 100 * fmean(discrete),
        "avg_length": int(fmean(own_lengths)),
        "length_controlled_winrate": None if controlled.value is None else 100 * controlled.value,
    }
