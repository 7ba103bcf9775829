"""Controlled sentiment: more positive reviews, and how far from the start.

The experiment of DPO's paper, arXiv 2305.18290, section 6.

    prefix       "I went to see this film": 2 to 8 words of a real review
    reference    the base model fine-tuned on reviews; methods start from it
    pairs        4 completions of each training prefix by the reference, labelled by the
                 ground-truth reward
    a point      (exact sequence KL(policy || reference), mean reward) on held-out prefixes,
                 after every epoch

Data (`--data`, a file, a folder or a hub id): reviews with their label. The tiny model has reviews
of its own. A model without a chat format continues the prefix itself: --template "{prompt}".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge

from suite import (
    Benchmark,
    BenchmarkData,
    CellResult,
    Generate,
    Method,
    Metric,
    Pair,
    Request,
    Response,
    Row,
    Scores,
    Source,
    TextBenchmark,
    hookimpl,
)
from suite.ranges import FileOrName, Positive, Share

from ..pairs.data import REFERENCE
from . import frontier, scores
from .formats import FILES
from .generated import generated
from .pairs import REQUEST, labelled_pairs
from .reviews import Parts, Read, Review, opening, prompt, published, split
from .rewards import ReviewReward, accuracy, made
from .scores import HELD_OUT

LABELLED = "labelled"
Count = Annotated[int, Ge(1)]


@dataclass(frozen=True)
class SentimentConfig:
    """The reward, how many reviews serve for what, and how long a continuation is."""

    reward: FileOrName = "classifier"
    """Ground truth: `classifier` (trained on the labelled reviews), `lexicon`, or a
    sequence-classification model by hub id or folder, with a positive class or one logit (paper:
    siebert/sentiment-roberta-large-english)."""
    prefixes: Count = 64
    """Prefixes that methods train on."""
    held_out: Count = 64
    """Prefixes that are evaluated, of other reviews."""
    completions: Annotated[int, Ge(2)] = 4
    """Completions of each training prefix, paired each with each (paper: 4, hence 6 pairs)."""
    gap: Share = 0.0
    """Pairs whose rewards differ by no more are left out (paper: 0, only ties)."""
    samples: Count = 1
    """Continuations of each held-out prefix; a prefix's score is their mean."""
    length: Count = 48
    """Longest continuation, in tokens."""
    demonstrations: Count = 100_000
    """Most reviews that the reference is fine-tuned on."""
    review_words: Count = 200
    """Reviews end, for fine-tuning, with the last sentence that ends within so many words."""
    kl_limit: Positive = 20.0
    """Where the hypervolume's box ends, nats; points beyond it add nothing."""
    table: str | None = None
    """Table of a folder (default: reviews), or configuration of a hub dataset (default:
    plain_text)."""


class Sentiment(TextBenchmark[SentimentConfig]):
    """Continuations of reviews: mean reward against the KL to the reference."""

    name = "sentiment"
    provides = frozenset({"pairs", "mismatched", "demonstrations", "prompts"})
    sampled_roles = frozenset({"pairs", "mismatched"})
    measures_kl = True
    primary = ("reward", "kl", "hypervolume", "front_share")
    best_by = "reward"
    starts = (REFERENCE,)
    baseline = REFERENCE
    data_files = FILES
    pictures = frontier.PICTURES
    columns = frontier.COLUMNS
    Config = SentimentConfig

    def load(self, source: Source) -> BenchmarkData:
        """Read the reviews and choose what each serves for."""
        config = self.config
        own = source.data is None and source.tiny
        read = generated() if own else published(source.data, config.table)
        parts = split(read.reviews, config.held_out, config.prefixes)
        whole: list[Row] = []
        for review in parts.labelled:
            demonstration = opening(review, config.review_words, continues=source.continues)
            if demonstration is not None:
                whole.append(demonstration)
        demonstrations = whole[: config.demonstrations]
        prompts = [prompt(review, "training") for review in parts.training]
        held_out: list[dict[str, Any]] = []
        for review in parts.held_out[: source.limit]:
            row = prompt(review, HELD_OUT)
            held_out.append({"id": row.id, "cluster": row.cluster, "prompt": row.prompt})
        labelled: list[dict[str, Any]] = []
        for review in parts.labelled:
            labelled.append({"text": review.text, "positive": review.positive})
        return BenchmarkData(
            roles={"demonstrations": demonstrations, "prompts": prompts},
            starts={REFERENCE: demonstrations},
            sets={HELD_OUT: held_out, LABELLED: labelled},
            revision=read.revision,
            partial=len(held_out) < config.held_out,
            notes=(*read.notes, *self._notes(read, parts.labelled, whole), self._accuracy(parts)),
        )

    def _notes(self, read: Read, labelled: Sequence[Any], whole: Sequence[Row]) -> list[str]:
        """What the paper leaves open, and what was chosen."""
        config = self.config
        demonstrations = min(len(whole), config.demonstrations)
        left_out = len(labelled) - len(whole)
        return [
            f"{len(read.reviews)} reviews: {config.held_out} held-out prefixes, "
            f"{config.prefixes} training prefixes, {demonstrations} fine-tune the reference "
            f"({left_out} without a sentence end within {config.review_words} words left out)",
            "left open by the paper, chosen here: prefixes of 2 to 8 words and punctuation marks; "
            f"temperature 1 for pairs and evaluation; at most {config.length} tokens; "
            f"{config.samples} continuation(s) a held-out prefix; pairs whose rewards differ by no "
            f"more than {config.gap:g} left out; a continuation that was cut is trained on as if "
            "it ended there",
            "KL: exact over the vocabulary at every step, mean over sampled continuations, up to "
            "the cut; best-of-n's is its analytic bound",
            "one point after every epoch (paper: every 100 steps)",
        ]

    def _accuracy(self, parts: Parts) -> str:
        """How often the ground truth is right on reviews that it has not seen."""
        name = self.config.reward
        if name not in ("classifier", "lexicon"):
            return (
                f"ground truth: {name}, P(positive) (of a head with one logit its sigmoid); "
                "its accuracy on these reviews was not measured"
            )
        reward = made(name, *_labels(parts.labelled))
        unseen = [*parts.held_out, *parts.training]
        right = accuracy(reward, *_labels(unseen))
        return (
            f"ground truth: {name}, accuracy {right:.3f} on the {len(unseen)} reviews of the "
            "prefixes"
        )

    def reward(self, data: BenchmarkData) -> ReviewReward:
        """The ground truth."""
        items = data.sets[LABELLED]
        texts = [item["text"] for item in items]
        return made(self.config.reward, texts, [item["positive"] for item in items])

    def sampling_requests(self, data: BenchmarkData) -> list[Request]:
        """Completions of every training prefix."""
        n = self.config.completions
        return [self._request(f"{row.id}/{REQUEST}", row.prompt, n) for row in _prompts(data)]

    def sampled_rows(
        self, data: BenchmarkData, responses: Mapping[str, Response]
    ) -> Mapping[str, Sequence[Row] | Sequence[Pair]]:
        """Pairs of these completions, labelled by the ground truth."""
        return labelled_pairs(_prompts(data), responses, self.reward(data), self.config.gap)

    def requests(self, data: BenchmarkData) -> list[Request]:
        """Continuations of every held-out prefix."""
        asked: list[Request] = []
        for item in data.sets[HELD_OUT]:
            id = f"{item['id']}/continuation"
            asked.append(self._request(id, item["prompt"], self.config.samples))
        return asked

    def _request(self, id: str, prompt: Any, n: int) -> Request:
        """Ask for n samples at temperature 1."""
        length = self.config.length
        return Generate(id, prompt, max_new_tokens=length, temperature=1.0, n=n)

    def score(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
    ) -> Scores:
        """Mean reward, sequence KL and length of the continuations."""
        return self.score_method(data, responses, baseline, None)

    def score_method(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
        method: Method[Any] | None,
    ) -> Scores:
        """The same, with the method at hand.

        A method that chooses among the reference's continuations gets the bound of its KL.
        """
        return scores.score(data.sets[HELD_OUT], responses, self.reward(data), method)

    def compare(self, cells: Sequence[CellResult]) -> Sequence[Sequence[Metric]]:
        """Hypervolume of each run, and its share of the common front."""
        return frontier.compared(cells, self.config.kl_limit)

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """One pass over the reviews, as in the paper; three over the pairs.

        Three passes give a run three points.
        """
        if model == "tiny":
            warmup = {"warmup_steps": 0, "warmup_epochs": 0.25}
            # These methods take 12 steps where the pairs give 72, and so need a higher rate. At
            # that rate DPO would end at a KL of 24, outside the picture's box.
            few_steps = ("ppo", "ppo_gt", "rloo", "grpo", "reward_model")
            higher = {name: {"lr": 3e-4} for name in few_steps}
            return {
                "finetune": {"epochs": 6, "lr": 1e-3, "batch_size": 16},
                "train": {"epochs": 3, "lr": 1.5e-4, "batch_size": 16, **warmup},
                **higher,
            }
        return {
            "finetune": {"epochs": 1, "batch_size": 32},
            "train": {"epochs": 3, "batch_size": 64},
        }


def _labels(reviews: Sequence[Review]) -> tuple[list[str], list[bool]]:
    """Texts, and whether each is positive."""
    return [review.text for review in reviews], [review.positive for review in reviews]


def _prompts(data: BenchmarkData) -> list[Row]:
    return [row for row in data.roles["prompts"] if isinstance(row, Row)]


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [Sentiment]
