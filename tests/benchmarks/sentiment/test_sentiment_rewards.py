"""The three rewards, and the pairs that they label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from suite_benchmarks.sentiment import rewards
from suite_benchmarks.sentiment.generated import generated
from suite_benchmarks.sentiment.pairs import labelled_pairs
from suite_benchmarks.sentiment.rewards import Lexicon, ReviewReward, made

from suite import Generated, Message, Response, Row, UserError

PROMPT = (Message("user", "This film is"),)


@pytest.mark.parametrize(
    ("text", "value"),
    [("a film", 1 / 2), ("superb", 2 / 3), ("dull, dull and great", 2 / 5), ("WORST!", 1 / 3)],
)
def test_the_lexicon_counts_words(text: str, value: float) -> None:
    assert Lexicon().judge([text]) == [pytest.approx(value)]


def test_prefix_and_continuation_are_judged_as_one_review() -> None:
    assert (
        rewards.review_of(PROMPT, " fine")
        == rewards.review_of(PROMPT, "fine")
        == "This film is fine"
    )
    assert Lexicon().score([(Message("user", "A superb"),)], ["film"]) == [pytest.approx(2 / 3)]


def test_the_classifier_learns_unseen_reviews_and_is_the_same_again() -> None:
    read = generated().reviews
    train, unseen = read[:500], read[500:]
    columns = [r.text for r in train], [r.positive for r in train]
    reward = made("classifier", *columns)
    texts = [r.text for r in unseen]
    values = reward.judge(texts)
    assert rewards.accuracy(reward, texts, [r.positive for r in unseen]) > 0.9
    assert all(0 <= value <= 1 for value in values)
    rewards._fitted.cache_clear()
    assert made("classifier", *columns).judge(texts) == values
    assert reward.identity() != made("classifier", columns[0][:-2], columns[1][:-2]).identity()


def test_accuracy_counts_an_undecided_review_half() -> None:
    assert rewards.accuracy(
        Lexicon(), ["superb", "superb", "film"], [True, False, True]
    ) == pytest.approx(0.5)


TEXTS = [
    "A golden garden.",
    "Bitter.",
    "It was a long and rather broken evening in Arvik, said she.",
]
LLAMA = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
}  # fmt: skip
BERT = LLAMA | {"max_position_embeddings": 64}
GPT2 = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64, "tie_word_embeddings": False}
HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "two classes": ("llama", LLAMA | {"id2label": {0: "NEGATIVE", 1: "POSITIVE"}}),
    "one logit": ("llama", LLAMA | {"num_labels": 1}),
    "one logit, no pad token": ("gpt2", GPT2 | {"num_labels": 1, "pad_token_id": None}),
    "an encoder": ("bert", BERT | {"id2label": {0: "NEGATIVE", 1: "POSITIVE"}}),
}


@pytest.fixture(params=HEADS)
def classifier_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A sequence classifier with random weights."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from suite.tiny.tokenizer import build

    tokenizer = build()
    kind, values = HEADS[request.param]
    own = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id} | values
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **own, initializer_range=0.3)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path)
    tokenizer.padding_side = "left"  # as many decoders' tokenizers say
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_a_sequence_classifier_gives_each_text_the_value_that_it_has_alone(
    classifier_folder: Path,
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    reward = made(str(classifier_folder), [], [])
    model = AutoModelForSequenceClassification.from_pretrained(classifier_folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(classifier_folder)
    alone = []
    for text in TEXTS:
        with torch.no_grad():
            logits = model(**tokenizer(text, return_tensors="pt")).logits[0]
        alone.append((logits.sigmoid() if len(logits) == 1 else logits.softmax(-1))[-1].item())
    assert reward.judge(TEXTS) == pytest.approx(alone, abs=1e-5)
    assert max(alone) - min(alone) > 0.01
    assert reward.identity() == made(str(classifier_folder), ["x"], [True]).identity()


def test_a_reward_folder_without_a_trained_head_is_refused(tiny_folder: Path) -> None:
    with pytest.raises(UserError, match=r"no trained head, the weights lack score\.weight$"):
        made(str(tiny_folder), [], []).judge(TEXTS)


def test_the_positive_class_is_found_by_its_name() -> None:
    assert rewards.positive_class({0: "POS", 1: "NEG"}, "m") == 0
    assert rewards.positive_class({0: "LABEL_0", 1: "LABEL_1"}, "m") == 1
    with pytest.raises(
        UserError, match=r"none of its classes is called positive: joy, anger, fear"
    ):
        rewards.positive_class({0: "joy", 1: "anger", 2: "fear"}, "m")


def test_a_reward_that_does_not_exist_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"sentiment.reward = 'lexikon': must be classifier, lexicon, a folder"
    ):
        made("lexikon", [], [])
    with pytest.raises(UserError, match=r"no .safetensors file"):
        made(str(tmp_path), [], []).judge(["a film"])


class Numbers(ReviewReward):
    """The number that a continuation ends with."""

    def judge(self, texts: Sequence[str]) -> list[float]:
        return [float(text.split()[-1]) for text in texts]

    def identity(self) -> dict[str, Any]:
        return {}


def completions(**texts: tuple[str, ...]) -> tuple[list[Row], dict[str, Response]]:
    rows = [Row(id, (Message("user", f"Film {id}"),), "", id) for id in texts]
    answers = {
        f"{id}/completions": Generated(f"{id}/completions", texts=given)
        for id, given in texts.items()
    }
    return rows, answers


def test_four_completions_give_six_pairs_with_the_better_one_chosen() -> None:
    rows, answers = completions(
        a=("is 1", "is 4", "is 2", "is 3"), b=("is 0", "was 9", "is 9", "x 9")
    )
    made_rows = labelled_pairs(rows, answers, Numbers())
    pairs = made_rows["pairs"]
    of_a = [p for p in pairs if p.cluster == "a"]
    assert len(of_a) == 6
    assert all(float(p.chosen.split()[-1]) > float(p.rejected.split()[-1]) for p in pairs)  # type: ignore[union-attr]
    assert {p.id for p in of_a} == {f"a/{i}-{j}" for i in range(4) for j in range(i + 1, 4)}
    assert len(pairs) - len(of_a) == 3  # of the four completions of b three are equally good
    mismatched = made_rows["mismatched"]
    assert len(mismatched) == len(pairs)
    assert all(m.prompt == p.prompt for m, p in zip(mismatched, pairs, strict=True))


def test_completions_that_are_all_equally_good_are_refused() -> None:
    rows, answers = completions(a=("is 1", "was 1"), b=("is 2", "was 2"))
    with pytest.raises(UserError, match="no two of one prefix differ in reward by more than 0"):
        labelled_pairs(rows, answers, Numbers())


def test_pairs_within_the_gap_are_left_out() -> None:
    rows, answers = completions(
        a=("is 1", "is 4", "is 2", "is 3"), b=("is 0", "is 1", "is 5", "is 5")
    )
    chosen = {
        p.id: (p.chosen, p.rejected)
        for p in labelled_pairs(rows, answers, Numbers(), gap=2)["pairs"]
    }  # type: ignore[union-attr]
    assert chosen == {
        "a/0-1": ("is 4", "is 1"),
        **{f"b/{i}-{j}": ("is 5", f"is {i}") for i in (0, 1) for j in (2, 3)},
    }
