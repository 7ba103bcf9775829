"""Verdicts -> scores of prompts -> win rates, and what they are worth.

    win_rate                        mean of the prompts' scores: 0, 1/4, 1/2, 3/4 or 1
    length_controlled_win_rate      the same at equal lengths, see `suite.stats.length_control`;
                                    with the items' difficulties where these are known
    position_bias                   share of verdicts for the answer shown first, ties half:
                                    .5 is no bias
    tie_rate, unparsed_rate         shares of verdicts
    canary_win_rate                 of a constant answer under the same judge
    judge_calls, judge_cost,        what this model's verdicts took
    judge_tokens_in, judge_tokens_out

A prompt without both verdicts has no score. Where more than MAX_UNPARSED of the verdicts could not
be read, or the verdicts come from more than one model, there is no win rate: otherwise a judge that
gives no verdict on what it dislikes would decide it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from suite import ItemScore, Judged, Metric, Verdict, Verdicts

if TYPE_CHECKING:
    from suite.stats import Interval

Sets = Mapping[str, Sequence[Mapping[str, Any]]]
Difficulties = Mapping[str, float | None]
"""Item -> how hard its instruction is, if known."""
MAX_UNPARSED = 0.02
"""Largest share of verdicts that could not be read with which a win rate is computed."""
FIRST_SHARE = {"first": 1.0, "tie": 0.5, "second": 0.0}
"""Verdict -> what the answer that was shown first gets."""


def item_scores(sets: Sets, judged: Mapping[str, Judged]) -> list[ItemScore]:
    """Scores of each prompt.

    What it won, position bias, ties and unparsed verdicts, both lengths.
    """
    found: list[ItemScore] = []
    for name, items in sets.items():
        for item in items:
            values = _values(judged[f"{item['id']}/answer"])
            for metric, (value, note) in values.items():
                found.append(ItemScore(metric, name, item["id"], item["cluster"], value, note))
    return found


def _values(judged: Judged) -> dict[str, tuple[float | None, str]]:
    """Value and note of each metric of one prompt."""
    lacking = next((verdict.note for verdict in judged.verdicts if verdict.choice is None), "")
    choices = [verdict.choice for verdict in judged.verdicts if verdict.choice is not None]
    unparsed = len(judged.verdicts) - len(choices)
    bias: tuple[float | None, str] = (None, lacking or "equal answers")
    ties: tuple[float | None, str] = (None, lacking)
    if choices:
        ties = (fmean(choice == "tie" for choice in choices), "")
        if judged.candidate != judged.rival:
            bias = (fmean(FIRST_SHARE[choice] for choice in choices), "")
    return {
        "win_rate": (judged.score, lacking),
        "position_bias": bias,
        "tie_rate": ties,
        "unparsed_rate": (unparsed / len(judged.verdicts), ""),
        "length": (float(len(judged.candidate)), ""),
        "rival_length": (float(len(judged.rival)), ""),
    }


def summarise(sets: Sets, found: Sequence[ItemScore], verdicts: Verdicts) -> list[Metric]:
    """All metrics.

    The first set makes the headline; those of other temperatures carry their name.
    """
    all_verdicts: list[Verdict] = []
    for judged in verdicts.judged.values():
        all_verdicts += judged.verdicts
    reason = invalid(all_verdicts)
    metrics: list[Metric] = []
    for place, name in enumerate(sets):
        suffix = "" if place == 0 else f"_{name}"
        hard = {item["id"]: item.get("difficulty") for item in sets[name]}
        metrics += _of_set(suffix, [score for score in found if score.set == name], hard, reason)
    metrics += [
        _mean("position_bias", _of_metric("position_bias", found), None),
        _mean("tie_rate", _of_metric("tie_rate", found), None),
        _mean("unparsed_rate", _of_metric("unparsed_rate", found), False),
    ]
    return [*metrics, _canary(verdicts.canary), *_ledger(verdicts)]


def _of_metric(name: str, scores: Sequence[ItemScore]) -> list[ItemScore]:
    return [score for score in scores if score.metric == name]


def invalid(verdicts: Sequence[Verdict]) -> str:
    """Why no win rate may be computed from these verdicts; "" if one may."""
    unparsed = fmean(verdict.choice is None for verdict in verdicts)
    if unparsed > MAX_UNPARSED:
        what = f"{unparsed:.1%} of the verdicts could not be read"
        return f"invalid: {what} (at most {MAX_UNPARSED:.0%} may)"
    models = sorted({verdict.model for verdict in verdicts if verdict.model})
    return f"invalid: the judge changed meanwhile: {', '.join(models)}" if len(models) > 1 else ""


def _of_set(
    suffix: str, scores: Sequence[ItemScore], hard: Difficulties, reason: str
) -> Iterator[Metric]:
    """Win rate and length-controlled win rate of one set. `reason`: why there is none."""
    plain, controlled = f"win_rate{suffix}", f"length_controlled_win_rate{suffix}"
    if reason:
        yield Metric(plain, None, True, note=reason)
        yield Metric(controlled, None, True, note=reason)
        return
    wins = _of_metric("win_rate", scores)
    yield _mean(plain, wins, True)
    lengths, rivals = _of_metric("length", scores), _of_metric("rival_length", scores)
    yield _controlled(controlled, wins, lengths, rivals, hard)


def _controlled(
    name: str,
    wins: Sequence[ItemScore],
    own: Sequence[ItemScore],
    rival: Sequence[ItemScore],
    hard: Difficulties,
) -> Metric:
    """The regularised refit where the difficulties are known, else the plain one."""
    from suite import stats

    values: list[float] = []
    lengths: list[float] = []
    rivals: list[float] = []
    clusters: list[str] = []
    difficulties: list[float] = []
    for win, mine, other in zip(wins, own, rival, strict=True):
        if win.value is None:
            continue
        assert mine.value is not None and other.value is not None, "every answer has a length"
        values.append(win.value)
        lengths.append(mine.value)
        rivals.append(other.value)
        clusters.append(win.cluster_id)
        if (difficulty := hard[win.item_id]) is not None:
            difficulties.append(difficulty)
    if not values:
        return Metric(name, None, True, note="no prompt has both verdicts")
    terms = _terms(difficulties) if len(difficulties) == len(values) else {}
    interval = stats.length_controlled_win_rate(values, lengths, rivals, clusters=clusters, **terms)
    return _metric(name, interval, True)


def _terms(difficulties: Sequence[float]) -> dict[str, Any]:
    """What AlpacaEval's fit over many models adds to the regression."""
    from suite.toolkit import DIFFICULTY_TERM, LENGTH_TERM

    return {
        "difficulty": difficulties,
        "length_prior": LENGTH_TERM,
        "difficulty_prior": DIFFICULTY_TERM,
    }


def _mean(name: str, scores: Sequence[ItemScore], better: bool | None) -> Metric:
    """Mean over prompts.

    A t interval of independent prompts, otherwise a bootstrap over their clusters.
    """
    from suite import stats

    values: list[float] = []
    clusters: list[str] = []
    for score in scores:
        if score.value is not None:
            values.append(score.value)
            clusters.append(score.cluster_id)
    if not values:
        notes = sorted({score.note for score in scores})
        note = "; ".join(notes) or "no prompt has both verdicts"
        return Metric(name, None, better, note=note)
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
    """Win rate of the constant answer."""
    name = "canary_win_rate"
    scores = [each.score for each in judged.values() if each.score is not None]
    if not scores:
        note = "no verdict on the constant answer could be read"
        return Metric(name, None, False, note=note)
    rate = fmean(scores)
    note = ""
    if rate >= 0.5:
        note = "a constant answer wins half of the comparisons: do not trust this judge"
    return Metric(name, rate, False, n=len(scores), n_clusters=len(scores), note=note)


def _ledger(verdicts: Verdicts) -> Iterator[Metric]:
    """What the judging of this model took."""
    cost, n = verdicts.cost, len(verdicts.judged)
    yield Metric("judge_calls", float(cost.calls), None, "calls", n, n)
    yield Metric("judge_tokens_in", float(cost.tokens_in), None, "tokens", n, n)
    yield Metric("judge_tokens_out", float(cost.tokens_out), None, "tokens", n, n)
    note = "" if cost.dollars is not None else "the judge has no price"
    yield Metric("judge_cost", cost.dollars, None, "USD", n, n, note=note)
