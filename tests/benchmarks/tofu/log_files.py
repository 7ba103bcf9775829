"""Files of other programs, made from random losses; and what those programs compute from them, with
numpy and scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

FILES = {
    "forget": "eval_log_forget.json",
    "retain": "eval_log.json",
    "ra": "eval_real_author_wo_options.json",
    "wf": "eval_real_world_wo_options.json",
}
SIZES = {"forget": 60, "retain": 80, "ra": 7, "wf": 9}


class Model:
    """Losses per token of a model's answers, and ROUGE, for each set: (n,) and (n, wrong
    answers)."""

    def __init__(self, seed: int, shift: float = 0.0) -> None:
        rng = np.random.default_rng(seed)
        self.answer = {name: rng.gamma(2, 0.3, n) for name, n in SIZES.items()}
        self.paraphrase = {name: rng.gamma(2, 0.5, n) + shift for name, n in SIZES.items()}
        self.wrong = {
            name: rng.gamma(3, 0.6, (n, 3 if name in ("ra", "wf") else 5))
            for name, n in SIZES.items()
        }
        self.rouge = {name: rng.uniform(0.1, 1, n) for name, n in SIZES.items()}
        for name in ("ra", "wf"):
            self.paraphrase[name] = self.answer[name]

    def truth_ratio(self, name: str) -> np.ndarray:
        return np.exp(-self.wrong[name].mean(1)) / np.exp(-self.paraphrase[name])

    def probability(self, name: str) -> np.ndarray:
        p = np.exp(-self.answer[name])
        return p if name in ("forget", "retain") else p / (p + np.exp(-self.wrong[name]).sum(1))

    def model_utility(self) -> float:
        parts = [
            part.mean()
            for name in ("retain", "ra", "wf")
            for part in (
                self.probability(name),
                self.rouge[name],
                np.maximum(0, 1 - self.truth_ratio(name)),
            )
        ]
        return float(stats.hmean(parts))

    def original(self, lists: bool = False) -> dict[str, Any]:
        """eval_log_aggregated.json; `lists`: plain lists instead of objects by index."""
        shape = (lambda values: values.tolist()) if lists else _by_index
        return {
            file: {
                "avg_gt_loss": shape(self.answer[name]),
                "gt_loss": shape(self.answer[name] * 12),
                "num_token_gt": shape(np.full(SIZES[name], 12)),
                "average_perturb_loss": shape(self.wrong[name]),
                "avg_paraphrased_loss": shape(self.paraphrase[name]),
                "rougeL_recall": shape(self.rouge[name]),
                "generated_text": {"0": ["question", "answer", "truth"]},
            }
            for name, file in FILES.items()
        }

    def open_unlearning(self, *, losses: bool = True) -> dict[str, Any]:
        """TOFU_EVAL.json; without `losses`: the metrics without what they were computed from."""
        content: dict[str, Any] = {"model_utility": {"agg_value": self.model_utility()}}
        for name in SIZES:
            scores = {"score": self.truth_ratio(name)}
            content["forget_truth_ratio" if name == "forget" else f"{name}_Truth_Ratio"] = _metric(
                scores
            )
            rouge = {
                "rouge1_recall": self.rouge[name],
                "rougeL_f1": self.rouge[name],
                "rougeL_recall": self.rouge[name],
            }
            content[f"{name}_Q_A_ROUGE"] = _metric(rouge)
            if name in ("ra", "wf"):
                content[f"{name}_Q_A_Prob_normalised"] = _metric({"prob": self.probability(name)})
            if losses or name not in ("ra", "wf"):
                content[f"{name}_Q_A_Prob"] = _probability(self.answer[name])
            if losses:
                content[f"{name}_Q_A_PERT_Prob"] = _probability(self.wrong[name])
            if losses and name not in ("ra", "wf"):
                content[f"{name}_Q_A_PARA_Prob"] = _probability(self.paraphrase[name])
        return content


def _by_index(values: np.ndarray) -> dict[str, Any]:
    """In another order than that of the index: a run on several devices writes it so."""
    return {str(i): values[i].tolist() for i in reversed(range(len(values)))}


def _probability(losses: np.ndarray) -> dict[str, Any]:
    return _metric({"prob": np.exp(-losses), "avg_loss": losses})


def _metric(fields: dict[str, np.ndarray]) -> dict[str, Any]:
    first = next(iter(fields.values()))
    entries = {
        str(i): {name: values[i].tolist() for name, values in fields.items()}
        for i in range(len(first))
    }
    return {"agg_value": float(first.mean()), "value_by_index": entries}
