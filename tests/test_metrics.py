"""Values worked out by hand, and properties that hold for any input."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from suite.metrics import (
    CHARACTERS,
    OTHER_WORDS,
    answer_probability,
    closeness_to_one,
    counts_characters,
    exact_memorization,
    extraction_strength,
    log_truth_ratio,
    mean_logp,
    normalised_probability,
    rouge_words,
    rougeL_recall,
    truth_margin,
    words,
)

logps = st.floats(-1e6, 0, allow_nan=False)
flags = st.lists(st.booleans(), min_size=1, max_size=30)


def test_answer_probability_is_the_geometric_mean_of_the_token_probabilities():
    assert answer_probability([math.log(0.5), math.log(0.125)]) == pytest.approx(0.25, rel=1e-12)


def test_normalised_probability_is_the_share_of_the_correct_option():
    wrongs = [math.log(p) for p in (0.1, 0.2, 0.3)]
    assert normalised_probability(math.log(0.2), wrongs) == pytest.approx(0.25, rel=1e-12)
    assert normalised_probability(-3.0, []) == 1


def test_normalised_probability_survives_probabilities_that_underflow():
    assert normalised_probability(-5000.0, [-5000.0] * 3) == 0.25
    assert normalised_probability(-5000.0, [-4000.0]) == 0


def test_truth_ratio_is_geometric_over_the_wrong_answers():
    wrongs = [math.log(0.1), math.log(0.4)]  # geometric mean .2, arithmetic .25
    log_ratio = log_truth_ratio(math.log(0.8), wrongs)
    assert math.exp(log_ratio) == pytest.approx(0.25, rel=1e-12)
    assert closeness_to_one(log_ratio) == pytest.approx(0.25, rel=1e-12)
    assert truth_margin(log_ratio) == pytest.approx(0.75, rel=1e-12)


def test_a_truth_ratio_above_one():
    log_ratio = log_truth_ratio(math.log(0.1), [math.log(0.4)])
    assert closeness_to_one(log_ratio) == pytest.approx(0.25, rel=1e-12)
    assert truth_margin(log_ratio) == 0


@pytest.mark.parametrize("log_ratio", [1e5, -1e5])
def test_huge_truth_ratios_stay_finite(log_ratio):
    assert closeness_to_one(log_ratio) == 0
    assert truth_margin(log_ratio) == (0 if log_ratio > 0 else 1)


@given(logps, st.lists(logps, min_size=1, max_size=6))
def test_aggregated_terms_lie_between_0_and_1(correct, wrongs):
    log_ratio = log_truth_ratio(correct, wrongs)
    for value in (
        closeness_to_one(log_ratio),
        truth_margin(log_ratio),
        normalised_probability(correct, wrongs),
    ):
        assert 0 <= value <= 1


@given(st.floats(-5, 0), st.lists(st.floats(-5, 0), min_size=1, max_size=6))
def test_logs_agree_with_the_plain_formulas(correct, wrongs):
    p, others = math.exp(correct), [math.exp(logp) for logp in wrongs]
    ratio = math.prod(others) ** (1 / len(others)) / p
    log_ratio = log_truth_ratio(correct, wrongs)
    assert closeness_to_one(log_ratio) == pytest.approx(min(ratio, 1 / ratio), rel=1e-9)
    assert truth_margin(log_ratio) == pytest.approx(max(0.0, 1 - ratio), rel=1e-9, abs=1e-12)
    assert normalised_probability(correct, wrongs) == pytest.approx(p / (p + sum(others)), rel=1e-9)


@given(logps, st.lists(logps, min_size=1, max_size=6), st.floats(-100, 0))
def test_a_common_shift_of_the_log_probabilities_changes_nothing(correct, wrongs, shift):
    shifted = [logp + shift for logp in wrongs]
    before, after = log_truth_ratio(correct, wrongs), log_truth_ratio(correct + shift, shifted)
    assert after == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize(
    ("greedy", "strength", "memorized"),
    [
        ([True, True, True, True], 1.0, 1.0),
        ([False, True, True, True], 0.75, 0.75),
        ([True, False, True, True], 0.5, 0.75),
        ([True, True, True, False], 0.25, 0.75),
        ([False], 1.0, 0.0),
    ],
)
def test_extraction_strength_and_exact_memorization(greedy, strength, memorized):
    assert extraction_strength(greedy) == strength
    assert exact_memorization(greedy) == memorized


@given(flags)
def test_extraction_strength_by_trying_every_prefix(greedy):
    """open-unlearning's loop: its last prefix leaves one token."""
    k = 0
    for k in range(len(greedy)):
        if all(greedy[k:]):
            break
    assert extraction_strength(greedy) == 1 - k / len(greedy)


@given(flags)
def test_a_memorized_end_is_part_of_what_is_memorized(greedy):
    allowed = 0 if greedy[-1] else 1 / len(greedy)
    assert extraction_strength(greedy) <= exact_memorization(greedy) + allowed + 1e-12


@pytest.mark.parametrize(
    "measure", [answer_probability, mean_logp, extraction_strength, exact_memorization]
)
def test_no_token_is_an_error(measure):
    with pytest.raises(ValueError, match="at least one token"):
        measure([])


def test_no_wrong_answer_is_an_error():
    with pytest.raises(ValueError, match="at least one wrong answer"):
        log_truth_ratio(-1.0, [])


@pytest.mark.parametrize(
    ("prediction", "reference", "recall"),
    [
        ("the cat sat on the mat", "the cat sat on the mat", 1.0),
        ("the cat on a mat", "the cat sat on the mat", 4 / 6),  # the cat on mat
        ("mat the on sat cat the", "the cat sat on the mat", 3 / 6),  # the on the: the order counts
        ("running dogs", "run dog", 1.0),  # words longer than three letters are stemmed
        ("", "the cat", 0.0),
        ("the cat and much more besides", "the cat", 1.0),  # recall, not precision
    ],
)
def test_rouge_recall(prediction, reference, recall):
    assert rougeL_recall(prediction, reference) == pytest.approx(recall, rel=1e-12)


def test_rouge_knows_when_it_cannot_read_the_reference():
    assert rougeL_recall("", "...") is None
    assert rougeL_recall("½ µ", "½ µ") is None


@pytest.mark.parametrize(
    ("prediction", "reference", "recall"),
    [
        ("北京是首都", "北京是中国首都", 5 / 7),
        ("東京です", "東京です", 1.0),
        ("กรุงเทพ", "กรุงเทพ", 1.0),
        ("the capital 北京", "北京 is the capital", 2 / 5),  # either half of it in order
        ("上海", "北京", 0.0),
    ],
)
def test_rouge_recall_counts_characters_without_spaces(prediction, reference, recall):
    assert rougeL_recall(prediction, reference) == pytest.approx(recall, rel=1e-12)


@pytest.mark.parametrize(
    ("prediction", "reference", "recall"),
    [
        ("она родилась в Москве.", "Она родилась в городе Москве", 4 / 5),
        ("\u0438\u0306од", "йод", 1.0),  # the same letter, composed and not
        ("Η Αθήνα είναι ΠΡΩΤΕΎΟΥΣΑ", "η Αθήνα είναι πρωτεύουσα", 1.0),
        ("القاهرة عاصمة", "القاهرة عاصمة مصر", 2 / 3),
        ("می‌خواهم", "می‌خواهم", 1.0),  # one word, with a joiner
        ("हिन्दी भाषा", "हिन्दी", 1.0),  # vowel signs lie within the word
        ("दिल्ली", "हिन्दी", 0.0),
        ("서울은 도시다", "서울은 수도다", 1 / 2),
        ("שלום", "שלום", 1.0),
        ("১২ মে", "১২ জুন", 1 / 2),
        ("Run, собаки 7!", "running собаки 7", 1.0),  # English beside it is stemmed as ever
    ],
)
def test_rouge_recall_counts_words_of_other_scripts(prediction, reference, recall):
    assert rougeL_recall(prediction, reference) == pytest.approx(recall, rel=1e-12)


def test_what_rouge_counts_beside_its_own_words_is_named():
    assert rouge_words(["Ann's né 1 ½"]) is None
    assert rouge_words(["привет"]) == OTHER_WORDS
    assert rouge_words(["a 北", "서울"]) == f"{CHARACTERS} and {OTHER_WORDS}"


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_rouge_of_latin_text_is_that_of_rouge_score(text):
    plain = RougeScorer(["rougeL"], use_stemmer=True).score(text, text[::-1])["rougeL"].recall
    assert (rougeL_recall(text[::-1], text) or 0.0) == plain


def test_words_of_hindi_and_arabic_keep_their_vowels():
    assert words("हिन्दी भाषा।") == ["हिन्दी", "भाषा", "।"]
    assert words("مُحَمَّد می‌خواهم") == ["مُحَمَّد", "می‌خواهم"]


def test_words_of_scripts_without_spaces_are_characters():
    assert words("Ann 住在北京, ok?") == ["Ann", "住", "在", "北", "京", ",", "ok", "?"]
    assert words("กี่") == ["กี่"]  # a vowel and a tone stand on their consonant
    assert words("서울은 수도다") == ["서울은", "수도다"]  # Korean has spaces
    assert counts_characters(["a", "北"])
    assert not counts_characters(["Ann's né 1 서울", "привет"])


@given(st.text(st.characters(max_codepoint=0xFF)))
def test_texts_with_spaces_have_the_words_they_had(text):
    assert words(text) == re.findall(r"\w+|[^\w\s]", text)
