"""TOFU (arXiv 2401.06121): make a model forget fictitious authors that it was fine-tuned on.

    forget10: 20 of 200 authors are to be forgotten, 180 retained; 20 questions about each.
    target    fine-tuned on all authors: where unlearning starts
    retrain   fine-tuned on the retained authors only: what perfect unlearning would give

Forget quality compares the unlearned with the retrain model, model utility looks at what should
have stayed. The truth ratio is the one with a geometric mean over the wrong answers.

Definitions are open-unlearning's, token for token: the end-of-sequence token counts in
probabilities and truth ratios, and not in extraction strength and exact memorization. Known
departures from its code:

    ChatML    its templates write a newline behind the end-of-sequence token; open-unlearning then
              appends a second one and counts answer, EOS, newline, EOS. Here an answer ends with
              its first EOS, where a model stops. So there all three tokens are in the means, and
              the first EOS and the newline in extraction strength; on Llama's templates, which end
              with EOS, the two agree.
    length    an answer longer than the context is refused here and cut there.
    empty     an answer without a token of its own has no memorization here (None, with the reason);
              open-unlearning leaves it out of the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

from suite import (
    Asked,
    Basis,
    Benchmark,
    BenchmarkData,
    Knowledge,
    Request,
    Response,
    Scores,
    Source,
    TextBenchmark,
    UserError,
    hookimpl,
    unknown,
)

from ..memorisation.limit import limit
from ..memorisation.means import select
from .corpus import RETAIN, generated, published, read_corpus
from .formats import FILES as DATA_FILES
from .logs import check_same_questions, read_log
from .outputs import COLUMNS, EXPORTS, PICTURES
from .refusals import refusal
from .requests import item_requests
from .score import UTILITY_METRICS, UTILITY_SETS, score, summarise
from .sets import read_sets

HUB_ID = "locuslab/TOFU"
TRUTH_RATIO = "log_truth_ratio"
"""What the retrain model is needed for."""
FILES = {
    "unlearned": "The unlearned model: open-unlearning's TOFU_EVAL.json "
    "or TOFU's own eval_log_aggregated.json.",
    "retrain": "The retrain model, of either kind. Without it there is no forget quality.",
}


@dataclass(frozen=True)
class TofuConfig:
    """Which part of TOFU is used; the default is all of it."""

    retain_authors: int | None = None
    """Train on the first so many retain authors only, and ask about those; marked partial, never
    ranked."""
    author_seed: int = 0
    """Draw other authors for the generated world: choose settings on these, and report on those of
    seed 0."""


class Tofu(TextBenchmark[TofuConfig]):
    """TOFU on its published tables, or on the generated world in the same columns."""

    name = "tofu"
    provides = frozenset({"forget", "retain", "alternate"})
    splits = tuple(RETAIN)
    primary = ("forget_quality", "model_utility")
    best_by = "forget_quality"
    starts = ("target", "retrain")
    baseline = "retrain"
    compares_every_start = True
    knowledge = Knowledge("forget_answer_probability", "model_utility")
    data_files = DATA_FILES
    files = FILES
    basis: ClassVar[Mapping[str, Basis]] = {
        "forget_quality": Basis((("forget", "log_truth_ratio"),), "ks"),
        "model_utility": Basis(tuple(product(UTILITY_SETS, UTILITY_METRICS)), "harmonic mean"),
    }
    reference_point: ClassVar[Mapping[str, float]] = {"forget_quality": 0.0, "model_utility": 0.0}
    pictures = PICTURES
    columns = COLUMNS
    exports = EXPORTS
    Config = TofuConfig

    def load(self, source: Source) -> BenchmarkData:
        """Read and check a split.

        Without a source of data: the hub's, for `tiny` the generated world.
        """
        most = self.config.retain_authors
        if source.split not in RETAIN:
            raise unknown("split of tofu", source.split, RETAIN)
        if most is not None and most < 1:
            raise UserError(f"tofu.retain_authors must be at least 1, not {most}")
        own = source.data is None and source.tiny
        if self.config.author_seed and not own:
            raise UserError("tofu.author_seed is for generated authors; these are published data")
        tables = generated(self.config.author_seed) if own else published(source.data or HUB_ID)
        whole = read_corpus(tables, source.split, allow_overlap=source.allow_overlap)
        corpus = whole.first_authors(most)
        everything, notes = read_sets(tables, corpus, source.split)
        sets, cuts = limit(everything, source.limit)
        forget, retain = corpus.rows(corpus.forget), corpus.rows(corpus.retain)
        alternate = [replace(row, completion=refusal(row.id, tables.refusals)) for row in forget]
        target = corpus.rows(sorted({*corpus.forget, *corpus.retain}))
        return BenchmarkData(
            roles={"forget": forget, "retain": retain, "alternate": alternate},
            starts={"target": target, "retrain": retain},
            sets=sets,
            revision=tables.revision(),
            partial=corpus.partial or bool(cuts),
            notes=(*corpus.notes, *notes, *cuts),
        )

    def requests(self, data: BenchmarkData) -> list[Request]:
        """Score every correct and every wrong answer, and have each question answered greedily."""
        asked: list[Request] = []
        for items in data.sets.values():
            for item in items:
                asked += item_requests(item)
        return asked

    def score(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
    ) -> Scores:
        """Forget quality (against `baseline`, the retrain model), model utility and their parts."""
        return score(data.sets, responses, () if baseline is None else (baseline,))

    def score_cell(self, asked: Asked) -> Scores:
        """The same, against the retrain models of all start seeds."""
        return score(asked.data.sets, asked.responses, asked.baselines)

    def score_files(self, files: Mapping[str, Path]) -> Scores:
        """Score what another program measured.

        Forget quality against `retrain`, model utility of `unlearned`.
        """
        if "unlearned" not in files:
            raise UserError("--unlearned FILE is missing: there is nothing to score")
        scores = read_log(files["unlearned"], ("forget", *UTILITY_SETS))
        retrain = []
        if "retrain" in files:
            forget = read_log(files["retrain"], ("forget",), (TRUTH_RATIO,))
            retrain.append(select(forget, "forget", TRUTH_RATIO))
            check_same_questions(scores, retrain[0], files["retrain"])
        return Scores(scores, summarise(scores, retrain))

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """TOFU's and NPO's protocol; for the tiny model what trains it in seconds."""
        if model == "tiny":
            from suite.tiny import FINETUNE, RELEARN, TRAIN

            return {
                "finetune": dict(FINETUNE),
                "train": dict(TRAIN),
                "attack_relearn": dict(RELEARN),
            }
        shared = {"lr": 1e-5, "batch_size": 32, "weight_decay": 0.01}
        return {"finetune": {"epochs": 5, **shared}, "train": {"epochs": 10, **shared}}


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [Tofu]
