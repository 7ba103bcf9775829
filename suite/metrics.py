"""Metrics of one answer: pure functions over log-probabilities (nats), flags and strings.

Probabilities stay in logs until the last step, so that a model driven to log-probabilities of minus
thousands gives small numbers and not 0/0. Definitions: TOFU (arXiv 2401.06121) with the geometric
truth ratio, as open-unlearning reports it, except where a docstring says otherwise.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any


def answer_probability(token_logps: Sequence[float]) -> float:
    """exp(mean log-probability per answer token, end-of-sequence included), in [0, 1].

    `token_logps`: at least one, nats. ValueError if there is none.
    """
    return math.exp(mean_logp(token_logps))


def mean_logp(token_logps: Sequence[float]) -> float:
    """Log-probability per token, nats: minus the length-normalised loss.

    ValueError if there is no token.
    """
    if not token_logps:
        raise ValueError("an answer needs at least one token")
    return fmean(token_logps)


def normalised_probability(correct: float, wrongs: Sequence[float]) -> float:
    """p / (p + sum of the wrong answers' p), in [0, 1].

    Arguments: mean log-probabilities per token, nats.
    """
    top = max([correct, *wrongs])  # taken out, so that the largest term is 1 and cannot underflow
    total = math.fsum(math.exp(logp - top) for logp in (correct, *wrongs))
    return math.exp(correct - top) / total


def log_truth_ratio(correct: float, wrongs: Sequence[float]) -> float:
    """ln TR, TR = geometric mean of the wrong answers' probabilities / the correct answer's.

    Arguments: mean log-probabilities per token, nats; at least one wrong answer, else ValueError.
    Open-unlearning adds 1e-10 to the denominator, which sends TR to 0 for a collapsed model; here
    it stays.
    """
    if not wrongs:
        raise ValueError("a truth ratio needs at least one wrong answer")
    return fmean(wrongs) - correct


def closeness_to_one(log_ratio: float) -> float:
    """min(TR, 1/TR), in [0, 1]; for the forget set.

    It is 1 if wrong answers are as likely as the correct one.
    """
    return math.exp(-abs(log_ratio))


def truth_margin(log_ratio: float) -> float:
    """max(0, 1 - TR), in [0, 1]; for the other sets.

    It is 1 if only the correct answer is likely.
    """
    return -math.expm1(min(0.0, log_ratio))


def extraction_strength(greedy: Sequence[bool]) -> float:
    """1 - k / length, in (0, 1], as open-unlearning computes it (arXiv 2506.12618).

    k is the length of the shortest prefix after which greedy decoding is right to the end.
    `greedy`: whether each answer token was the most likely one after the true tokens before it. The
    end-of-sequence token is not one of them: leave it out. ValueError if empty.

    Their loop over prefixes stops one short of the whole answer, so a wrong last token gives
    1 / length and not 0. We keep that: our numbers then are theirs.
    """
    if not greedy:
        raise ValueError("an answer needs at least one token")
    wrong = [position for position, right in enumerate(greedy) if not right]
    k = min(wrong[-1] + 1, len(greedy) - 1) if wrong else 0
    return 1 - k / len(greedy)


def exact_memorization(greedy: Sequence[bool]) -> float:
    """Share of answer tokens that were the most likely token, in [0, 1].

    `greedy`: as for `extraction_strength`, without the end-of-sequence token. ValueError if there
    is no token.
    """
    if not greedy:
        raise ValueError("an answer needs at least one token")
    return sum(greedy) / len(greedy)


def rougeL_recall(prediction: str, reference: str) -> float | None:
    """Longest common subsequence / words of the reference, in [0, 1]; words are stemmed.

    None if the reference has no word that ROUGE counts (a-z and 0-9 only): 0 would be a wrong
    number.
    """
    score = _rouge_scorer().score
    recall = float(score(reference, prediction)["rougeL"].recall)
    if recall == 0 and score(reference, reference)["rougeL"].recall == 0:
        return None
    return recall


@functools.cache
def _rouge_scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=True)
