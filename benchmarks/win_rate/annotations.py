"""AlpacaEval's numbers from its own annotations, percent as there.

suite score --bench win_rate --annotations annotations.json
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from suite import ItemScore, Metric, Scores

if TYPE_CHECKING:
    from suite.stats import Interval

COUNTS = ("n_wins", "n_wins_base", "n_draws")


def of_annotations(path: Path) -> Scores:
    """win_rate (mean preference - 1), standard_error, length_controlled_win_rate and what the
    leaderboard has beside.

    The length-controlled rate comes near AlpacaEval's: theirs also knows how hard each instruction
    is, from a fit over all models of its leaderboard. UserError: a file that holds no annotations.
    """
    from suite import stats
    from suite.toolkit import LENGTH_TERM, read_annotations, summary

    annotations = read_annotations(path)
    wins = [each.preference - 1 for each in annotations]
    plain = stats.mean_interval_t(wins)
    controlled = stats.length_controlled_win_rate(
        wins,
        [len(each.output_2) for each in annotations],
        [len(each.output_1) for each in annotations],
        length_prior=LENGTH_TERM,
    )
    near = f"length term held near {LENGTH_TERM[0]} (sd {LENGTH_TERM[1]}), without AlpacaEval's difficulties"
    row, n = summary(annotations), len(wins)
    metrics = [
        _percent("win_rate", plain, ""),
        Metric(
            "standard_error",
            row["standard_error"],
            None,
            "%",
            n,
            n,
            note="" if n > 1 else "one item",
        ),
        _percent(
            "length_controlled_win_rate",
            controlled,
            "; ".join(filter(None, [near, controlled.note])),
        ),
        Metric("discrete_win_rate", row["discrete_win_rate"], True, "%", n, n),
        *(Metric(name, row[name], None, "", n, n) for name in COUNTS),
        Metric("avg_length", row["avg_length"], None, "characters", n, n),
    ]
    items = [
        ItemScore("win_rate", "annotations", f"annotations/{i}", f"annotations/{i}", win)
        for i, win in enumerate(wins)
    ]
    return Scores(items, metrics)


def _percent(name: str, interval: Interval, note: str) -> Metric:
    value, low, high = (
        None if x is None else 100 * x for x in (interval.value, interval.low, interval.high)
    )
    low, high = None if low is None else max(0.0, low), None if high is None else min(100.0, high)
    return Metric(name, value, True, "%", interval.n, interval.n_clusters, low, high, note)
