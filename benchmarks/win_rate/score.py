"""Verdicts -> scores of prompts -> win rates, and what they are worth.

    win_rate                        mean of the prompts' scores: 0, 1/4, 1/2, 3/4 or 1
    length_controlled_win_rate      the same at equal lengths, see `suite.stats.length_control`
    position_bias                   share of verdicts for the answer shown first, ties half: .5 is none
    tie_rate, unparsed_rate         shares of verdicts
    canary_win_rate                 of a constant answer under the same judge
    judge_calls, judge_tokens_in, judge_tokens_out, judge_cost    the ledger of this model's verdicts

A prompt without both verdicts has no score. Beyond MAX_UNPARSED of such verdicts, or with verdicts
of more than one model, there is no win rate: a judge that is silent on what it dislikes would
decide it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from suite import ItemScore, Judged, Metric, Verdict, Verdicts

if TYPE_CHECKING:
    from suite.stats import Interval

Sets = Mapping[str, Sequence[Mapping[str, Any]]]
MAX_UNPARSED = 0.02
FIRST_SHARE = {"first": 1.0, "tie": 0.5, "second": 0.0}


def item_scores(sets: Sets, judged: Mapping[str, Judged]) -> list[ItemScore]:
    """Per prompt: what it won, position bias and ties of its two verdicts, unparsed ones, both
    lengths."""
    found = []
    for name, items in sets.items():
        for item in items:
            for metric, (value, note) in _values(judged[f"{item['id']}/answer"]).items():
                found.append(ItemScore(metric, name, item["id"], item["cluster"], value, note))
    return found


def _values(judged: Judged) -> dict[str, tuple[float | None, str]]:
    lacking = next((v.note for v in judged.verdicts if v.choice is None), "")
    given = [verdict for verdict in judged.verdicts if verdict.choice is not None]
    asked = [
        FIRST_SHARE[v.choice]
        for v in given
        if v.choice is not None and judged.candidate != judged.rival
    ]
    return {
        "win_rate": (judged.score, lacking),
        "position_bias": (fmean(asked), "") if asked else (None, lacking or "equal answers"),
        "tie_rate": (fmean(v.choice == "tie" for v in given), "") if given else (None, lacking),
        "unparsed_rate": (fmean(v.choice is None for v in judged.verdicts), ""),
        "length": (float(len(judged.candidate)), ""),
        "rival_length": (float(len(judged.rival)), ""),
    }


def summarise(sets: Sets, found: Sequence[ItemScore], verdicts: Verdicts) -> list[Metric]:
    """All metrics.

    The first set makes the headline; those of other temperatures carry their name.
    """
    headline, *others = sets
    reason = invalid(
        [verdict for judged in verdicts.judged.values() for verdict in judged.verdicts]
    )
    metrics = list(_of_set("", [score for score in found if score.set == headline], reason))
    for name in others:
        metrics += _of_set(f"_{name}", [score for score in found if score.set == name], reason)
    for name in ("position_bias", "tie_rate", "unparsed_rate"):
        metrics.append(
            _mean(
                name,
                [s for s in found if s.metric == name],
                False if name == "unparsed_rate" else None,
            )
        )
    return [*metrics, _canary(verdicts.canary), *_ledger(verdicts)]


def invalid(verdicts: Sequence[Verdict]) -> str:
    """Why no win rate may be computed from these verdicts; "" if one may."""
    unparsed = fmean(verdict.choice is None for verdict in verdicts)
    if unparsed > MAX_UNPARSED:
        return f"invalid: {unparsed:.1%} of the verdicts could not be read (at most {MAX_UNPARSED:.0%} may)"
    models = sorted({verdict.model for verdict in verdicts if verdict.model})
    return f"invalid: the judge changed meanwhile: {', '.join(models)}" if len(models) > 1 else ""


def _of_set(suffix: str, scores: Sequence[ItemScore], reason: str) -> Iterator[Metric]:
    by_metric = {
        name: [s for s in scores if s.metric == name]
        for name in ("win_rate", "length", "rival_length")
    }
    plain, controlled = f"win_rate{suffix}", f"length_controlled_win_rate{suffix}"
    if reason:
        yield Metric(plain, None, True, note=reason)
        yield Metric(controlled, None, True, note=reason)
        return
    yield _mean(plain, by_metric["win_rate"], True)
    yield _controlled(controlled, *by_metric.values())


def _controlled(
    name: str, wins: Sequence[ItemScore], own: Sequence[ItemScore], rival: Sequence[ItemScore]
) -> Metric:
    from suite import stats

    values: list[float] = []
    lengths: list[float] = []
    rivals: list[float] = []
    clusters: list[str] = []
    for win, mine, other in zip(wins, own, rival, strict=True):
        if win.value is None:
            continue
        assert mine.value is not None and other.value is not None, "every answer has a length"
        values.append(win.value)
        lengths.append(mine.value)
        rivals.append(other.value)
        clusters.append(win.cluster_id)
    if not values:
        return Metric(name, None, True, note="no prompt has both verdicts")
    interval = stats.length_controlled_win_rate(values, lengths, rivals, clusters=clusters)
    return _metric(name, interval, True)


def _mean(name: str, scores: Sequence[ItemScore], better: bool | None) -> Metric:
    """Mean over prompts: a t interval of independent ones, otherwise a bootstrap over their
    clusters."""
    from suite import stats

    present = [score for score in scores if score.value is not None]
    if not present:
        notes = {score.note for score in scores}
        return Metric(
            name, None, better, note="; ".join(sorted(notes)) or "no prompt has both verdicts"
        )
    values, clusters = (
        [s.value for s in present if s.value is not None],
        [s.cluster_id for s in present],
    )
    if len(set(clusters)) == len(clusters):
        return _metric(name, stats.mean_interval_t(values), better)
    return _metric(name, stats.cluster_bootstrap(values, clusters), better)


def _metric(name: str, interval: Interval, better: bool | None) -> Metric:
    """All of these are shares: limits beyond 0 and 1 are cut."""
    low = None if interval.low is None else max(0.0, interval.low)
    high = None if interval.high is None else min(1.0, interval.high)
    return Metric(
        name, interval.value, better, "", interval.n, interval.n_clusters, low, high, interval.note
    )


def _canary(judged: Mapping[str, Judged]) -> Metric:
    scores = [each.score for each in judged.values() if each.score is not None]
    if not scores:
        return Metric(
            "canary_win_rate", None, False, note="no verdict on the constant answer could be read"
        )
    rate = fmean(scores)
    note = (
        "a constant answer wins half of the comparisons: do not trust this judge"
        if rate >= 0.5
        else ""
    )
    return Metric("canary_win_rate", rate, False, n=len(scores), n_clusters=len(scores), note=note)


def _ledger(verdicts: Verdicts) -> Iterator[Metric]:
    cost, n = verdicts.cost, len(verdicts.judged)
    counts = {"calls": cost.calls, "tokens_in": cost.tokens_in, "tokens_out": cost.tokens_out}
    for name, count in counts.items():
        yield Metric(
            f"judge_{name}", float(count), None, "calls" if name == "calls" else "tokens", n, n
        )
    yield Metric(
        "judge_cost",
        cost.dollars,
        None,
        "USD",
        n,
        n,
        note="" if cost.dollars is not None else "the judge has no price",
    )
