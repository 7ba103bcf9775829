"""The ground truth: how positive a review is, in [0, 1].

The review begins with a prefix, and a model wrote the rest.

classifier    trained here on labelled reviews: TF-IDF of words and word pairs, logistic regression
lexicon       a list of words, see `lexicon`
owner/name    any sequence-classification model, from the hub or a folder: its P(positive), or of a
              reward model's one logit the sigmoid
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from suite import Json, Message, Prompt, Reward, UserError, digest

from .lexicon import BAD, GOOD, lexicon_score

POSITIVE = ("positive", "pos", "label_1", "1")
"""Names of the positive class in a classifier's configuration, the first that is there."""
BATCH = 32
MAX_TOKENS = 512


def review_of(prompt: Sequence[Message], continuation: str) -> str:
    """Prefix and continuation as one text.

    A space comes between them unless the continuation begins with one.
    """
    prefix = prompt[-1].content
    return prefix + continuation if continuation[:1].isspace() else f"{prefix} {continuation}"


class ReviewReward(Reward):
    """A reward that judges whole reviews."""

    def score(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[float]:
        """How positive each review is, in [0, 1]."""
        both = zip(prompts, continuations, strict=True)
        return self.judge([review_of(prompt, text) for prompt, text in both])

    def judge(self, texts: Sequence[str]) -> list[float]:
        """How positive each text is, in [0, 1]."""
        raise NotImplementedError


class Lexicon(ReviewReward):
    """Praising against blaming words."""

    def judge(self, texts: Sequence[str]) -> list[float]:
        """See `lexicon_score`."""
        return [lexicon_score(text) for text in texts]

    def identity(self) -> dict[str, Json]:
        """The words."""
        return {"reward": "lexicon", "words": digest([sorted(GOOD), sorted(BAD)])}


class Classifier(ReviewReward):
    """Logistic regression on TF-IDF, trained on labelled reviews.

    The same reviews give the same numbers.
    """

    def __init__(self, texts: Sequence[str], positive: Sequence[bool]) -> None:
        self.texts, self.positive = tuple(texts), tuple(positive)

    def judge(self, texts: Sequence[str]) -> list[float]:
        """P(positive) of each text."""
        if not texts:
            return []
        model = _fitted(self.texts, self.positive)
        return [float(p) for p in model.predict_proba(list(texts))[:, 1]]

    def identity(self) -> dict[str, Json]:
        """The reviews that it is trained on, and with what."""
        from importlib.metadata import version

        seen = digest([list(self.texts), list(self.positive)])
        return {"reward": "classifier", "reviews": seen, "scikit-learn": version("scikit-learn")}


@lru_cache(maxsize=2)
def _fitted(texts: tuple[str, ...], positive: tuple[bool, ...]) -> Any:
    """Train; nothing is stored, since a few thousand reviews take a second or two."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    # Words of one review alone tell little; with few reviews every word is needed.
    min_df = 2 if len(texts) > 100 else 1
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=min_df, sublinear_tf=True)
    model = make_pipeline(features, LogisticRegression(C=10.0, max_iter=1000))
    return model.fit(list(texts), list(positive))


class SequenceClassifier(ReviewReward):
    """P(positive) of a transformers model for sequence classification; of a head with one logit,
    as reward models have, its sigmoid.

    Texts are cut at its context.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def judge(self, texts: Sequence[str]) -> list[float]:
        """P(positive) of each text."""
        size = BATCH if _pads_safely(*_loaded(self.source)[:2]) else 1
        found: list[float] = []
        for start in range(0, len(texts), size):
            found += self._batch(texts[start : start + size])
        return found

    def _batch(self, texts: Sequence[str]) -> Iterator[float]:
        import torch

        tokenizer, model, place = _loaded(self.source)
        longest = min(MAX_TOKENS, tokenizer.model_max_length)
        inputs = tokenizer(
            list(texts),
            padding=len(texts) > 1,
            padding_side="right",
            truncation=True,
            max_length=longest,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = model(**inputs.to(model.device)).logits.float()  # (B, classes)
        probabilities = logits.sigmoid() if place is None else logits.softmax(-1)
        yield from probabilities[:, place or 0].tolist()

    def identity(self) -> dict[str, Json]:
        """The model's files, or its commit on the hub."""
        from suite.toolkit import locate

        return {"reward": "model", "files": locate(self.source)[1]}


@lru_cache(maxsize=1)
def _loaded(source: str) -> tuple[Any, Any, int | None]:
    """Tokenizer, model, and the number of its positive class; None: the head has one logit."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from suite.toolkit import locate, pick_device, quiet

    folder = locate(source)[0]
    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
            model, info = AutoModelForSequenceClassification.from_pretrained(
                str(folder),
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"sentiment.reward = {source!r}: cannot be loaded: {reason}") from None
    missing = sorted(info["missing_keys"])
    if missing:  # transformers gives them random values
        raise UserError(
            f"sentiment.reward = {source!r}: no trained head, the weights lack "
            f"{', '.join(missing[:3])}"
        )
    names = model.config.id2label
    place = None if len(names) == 1 else positive_class(names, source)
    return tokenizer, model.to(pick_device("auto")).eval(), place


def _pads_safely(tokenizer: Any, model: Any) -> bool:
    """Whether texts of several lengths may be read together: the head must know which token pads,
    or it reads the padding."""
    pad = tokenizer.pad_token_id
    if pad is None or model.config.pad_token_id != pad:
        return False
    return bool(pad < model.get_input_embeddings().num_embeddings)


def positive_class(names: dict[int, str], source: str) -> int:
    """Number of the class that means positive, by its name.

    Raises UserError listing the names there are.
    """
    lowered = {name.lower(): number for number, name in names.items()}
    for name in POSITIVE:
        if name in lowered and (name in POSITIVE[:2] or len(names) == 2):
            return lowered[name]
    known = ", ".join(names.values())
    raise UserError(
        f"sentiment.reward = {source!r}: none of its classes is called positive: {known}"
    )


def made(name: str, texts: Sequence[str], positive: Sequence[bool]) -> ReviewReward:
    """The reward of the setting `sentiment.reward`; the labelled reviews are for the classifier."""
    if name == "classifier":
        return Classifier(texts, positive)
    if name == "lexicon":
        return Lexicon()
    if not Path(name).is_dir() and name.count("/") != 1:
        raise UserError(
            f"sentiment.reward = {name!r}: must be classifier, lexicon, a folder "
            "or a hub id, owner/name"
        )
    return SequenceClassifier(name)


def accuracy(reward: ReviewReward, texts: Sequence[str], positive: Sequence[bool]) -> float:
    """Share of labelled reviews that the reward puts on the right side of 1/2.

    Exactly 1/2 counts half.
    """
    right = 0.0
    for value, is_positive in zip(reward.judge(texts), positive, strict=True):
        right += 0.5 if value == 0.5 else float((value > 0.5) == is_positive)
    return right / len(texts)
