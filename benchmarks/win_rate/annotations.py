"""AlpacaEval's numbers from its own annotations, percent as there.

suite score --bench win_rate --annotations annotations.json
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite import ItemScore, Metric, Scores

if TYPE_CHECKING:
    from suite.stats import Interval

COUNTS = ("n_wins", "n_wins_base", "n_draws")


def of_annotations(path: Path, difficulties: Path | None = None) -> Scores:
    """Win rates, their standard error and the other columns of AlpacaEval's leaderboard.

    The length-controlled rate comes near AlpacaEval's. Theirs also knows how hard each instruction
    is, from a fit over all models of its leaderboard: a table of these is `difficulties`.
    UserError: a file that holds no annotations, or a table without one of the instructions.
    """
    from suite.toolkit import read_annotations, read_difficulties, summary

    annotations = read_annotations(path)
    hard = None if difficulties is None else read_difficulties(difficulties, annotations)
    wins: list[float] = []
    items: list[ItemScore] = []
    for place, each in enumerate(annotations):
        id, win = f"annotations/{place}", each.preference - 1
        wins.append(win)
        items.append(ItemScore("win_rate", "annotations", id, id, win))
    own_lengths = [len(each.output_2) for each in annotations]
    rival_lengths = [len(each.output_1) for each in annotations]
    row, n = summary(annotations, hard), len(wins)
    error_note = "" if n > 1 else "one item"
    metrics = [
        _win_rate(wins),
        Metric("standard_error", row["standard_error"], None, "%", n, n, note=error_note),
        _length_controlled(wins, own_lengths, rival_lengths, hard),
        Metric("discrete_win_rate", row["discrete_win_rate"], True, "%", n, n),
    ]
    for name in COUNTS:
        metrics.append(Metric(name, row[name], None, "", n, n))
    metrics.append(Metric("avg_length", row["avg_length"], None, "characters", n, n))
    return Scores(items, metrics)


def _win_rate(wins: Sequence[float]) -> Metric:
    from suite import stats

    return _percent("win_rate", stats.mean_interval_t(wins), "")


def _length_controlled(
    wins: Sequence[float],
    own_lengths: Sequence[float],
    rival_lengths: Sequence[float],
    difficulties: Sequence[float] | None,
) -> Metric:
    """The win rate at equal lengths, with AlpacaEval's length term."""
    from suite import stats
    from suite.toolkit import DIFFICULTY_TERM, LENGTH_TERM

    interval = stats.length_controlled_win_rate(
        wins,
        own_lengths,
        rival_lengths,
        difficulties,
        length_prior=LENGTH_TERM,
        difficulty_prior=DIFFICULTY_TERM,
    )
    middle, deviation = LENGTH_TERM
    known = "without" if difficulties is None else "with"
    note = f"length term held near {middle} (sd {deviation}), {known} AlpacaEval's difficulties"
    if interval.note:
        note = f"{note}; {interval.note}"
    return _percent("length_controlled_win_rate", interval, note)


def _percent(name: str, interval: Interval, note: str) -> Metric:
    """A share as percent, its limits cut at 0 and 100."""
    low = None if interval.low is None else max(0.0, 100 * interval.low)
    high = None if interval.high is None else min(100.0, 100 * interval.high)
    value = None if interval.value is None else 100 * interval.value
    return Metric(name, value, True, "%", interval.n, interval.n_clusters, low, high, note)
