"""Metrics of one answer: pure functions over log-probabilities (nats), flags and strings.

Probabilities stay in logs until the last step, so that a model driven to log-probabilities of minus
thousands gives small numbers and not 0/0. Definitions: TOFU (arXiv 2401.06121) with the geometric
truth ratio, as open-unlearning reports it, except where a docstring says otherwise.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

import regex

SPACELESS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003fffd"  # Han
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u0e01-\u0e2e\u0e2f\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e50-\u0e59"  # Thai
    "\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0ed0-\u0edf"  # Lao
    "\u1000-\u102a\u103f-\u1049\u1050-\u1055"  # Burmese
    "\u1780-\u17b3\u17d7\u17dc\u17e0-\u17e9"  # Khmer
    "\u0f00\u0f20-\u0f33\u0f40-\u0f6c"  # Tibetan
)
"""Characters of scripts that put no space between words, for a class of a regular expression."""
MARKS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u1056-\u1059"
    "\u17b4-\u17d3\u17dd\u0f35\u0f37\u0f39\u0f71-\u0f84\u0f90-\u0fbc\u3099\u309a\ufe00-\ufe0f"
)
"""Vowels and tones that stand on such a character and count as one with it."""
JOINED = r"\p{M}\u200c\u200d"
"""Signs within a word that are no letters: vowels of Hindi and Arabic, joiners of Persian."""
_CHARACTER = regex.compile(f"[{SPACELESS}][{MARKS}]*")
_WORD = regex.compile(
    rf"[{SPACELESS}][{MARKS}]*"
    rf"|[[\p{{L}}\p{{N}}_]--[{SPACELESS}]][[\p{{L}}\p{{N}}_{JOINED}]--[{SPACELESS}]]*"
    rf"|[^\p{{L}}\p{{N}}_\s\x1c-\x1f]",
    regex.VERSION1,
)
_LETTERS = rf"[\p{{L}}--[\p{{Latin}}\p{{Common}}{SPACELESS}]]"
_OTHER = regex.compile(
    rf"[{SPACELESS}][{MARKS}]*"
    rf"|(?:{_LETTERS}|[\p{{Nd}}--[0-9]])(?:{_LETTERS}|[\p{{Nd}}{JOINED}])*",
    regex.VERSION1,
)
"""What ROUGE's own tokenizer drops: words of other scripts, and characters of those without
spaces."""
CHARACTERS = "each character in scripts without spaces"
OTHER_WORDS = "words of other scripts than Latin in lower case, not stemmed"


def words(text: str) -> list[str]:
    """Words and punctuation marks, each apart; characters in scripts without spaces."""
    found: list[str] = _WORD.findall(text)
    return found


def counts_characters(texts: Iterable[str]) -> bool:
    """Whether any text has a script without spaces, of which ROUGE and `words` take characters."""
    return any(_CHARACTER.search(text) for text in texts)


def rouge_words(texts: Iterable[str]) -> str | None:
    """What ROUGE counts in these texts beside its own words, for a report; None: nothing."""
    known = list(texts)
    kinds = {bool(_CHARACTER.match(word)) for text in known for word in _OTHER.findall(text)}
    found = [name for kind, name in ((True, CHARACTERS), (False, OTHER_WORDS)) if kind in kinds]
    return " and ".join(found) or None


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

    The words are rouge_score's, of a-z and 0-9. It drops all others; here words of other scripts
    (Cyrillic, Greek, Arabic, Devanagari, Hangul, ...) count too, in lower case and not stemmed, and
    in scripts without spaces (Chinese, Japanese, Thai, Lao, Burmese, Khmer, Tibetan) every
    character. None if the reference has no word at all: 0 would be a wrong number.
    """
    scorer, tokens = _rouge_scorer()
    if not tokens.tokenize(reference):
        return None
    return float(scorer.score(reference, prediction)["rougeL"].recall)


class _Tokens:
    """ROUGE's own words, and those of other scripts between them."""

    def __init__(self) -> None:
        from rouge_score.tokenizers import DefaultTokenizer

        self._words = DefaultTokenizer(use_stemmer=True)

    def tokenize(self, text: str) -> list[str]:
        """The method that `rouge_score` asks for."""
        found: list[str] = []
        end = 0
        for other in _OTHER.finditer(text):
            word = unicodedata.normalize("NFC", other[0]).casefold()
            found += [*self._words.tokenize(text[end : other.start()]), word]
            end = other.end()
        return [*found, *self._words.tokenize(text[end:])]


@functools.cache
def _rouge_scorer() -> tuple[Any, _Tokens]:
    from rouge_score.rouge_scorer import RougeScorer

    tokens = _Tokens()
    return RougeScorer(["rougeL"], tokenizer=tokens), tokens


def leak_at_k(n: int, leaks: int, k: int) -> float:
    """Chance that one of k samples leaks, from n samples of which `leaks` do: the unbiased estimate
    1 - C(n - leaks, k) / C(n, k), exact until the last division. Raises ValueError unless
    0 <= leaks <= n and 1 <= k <= n."""
    if not (0 <= leaks <= n and 1 <= k <= n):
        raise ValueError(f"leak@{k} of {leaks} leaks in {n} samples: it needs leaks, k <= n, k > 0")
    return 1 - math.comb(n - leaks, k) / math.comb(n, k)
