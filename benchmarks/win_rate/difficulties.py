"""How hard each judged instruction is, for the length control of a run.

    win_rate.difficulties = instruction_difficulty.csv      instruction_sha256, difficulty

The difficulties are part of the regression only if the table knows every judged instruction: the
rate at equal lengths would otherwise be of some prompts with them and of others without.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from suite import Pair

WHAT = "length_controlled_win_rate"
PLAIN = f"{WHAT}: the plain refit on these verdicts, without difficulties of the instructions"


def difficulties(table: str | None, judged: Sequence[Pair]) -> tuple[Sequence[float | None], str]:
    """The difficulty of each judged prompt, None throughout for the plain refit; and a note.

    UserError: no such table.
    """
    without: list[float | None] = [None] * len(judged)
    if table is None:
        return without, PLAIN
    from suite.toolkit import DIFFICULTY_TERM, LENGTH_TERM, known_difficulties

    path = Path(table)
    known = known_difficulties(path, [_instruction(pair) for pair in judged])
    if missing := sum(value is None for value in known):
        lack = f"{path.name} lacks {missing} of {len(known)}"
        return without, f"{PLAIN}: {lack}"
    (length, length_sd), (slope, slope_sd) = LENGTH_TERM, DIFFICULTY_TERM
    return known, (
        f"{WHAT}: the regularised refit, with the instructions' difficulties of {path.name}; "
        f"length term held near {length} (sd {length_sd}), difficulty term near {slope} "
        f"(sd {slope_sd}), as AlpacaEval's judge and rival have them"
    )


def _instruction(pair: Pair) -> str:
    """The text that the table's SHA-256 is of; "", which no table has, for a longer dialogue."""
    return pair.prompt[0].content if len(pair.prompt) == 1 else ""
