"""Any task of the lm-evaluation-harness, on every model of the run.

    # start models and npo's model, trained on tofu
    suite run --methods npo --bench tofu,lm_eval:arc_easy,hellaswag
    # the model itself
    suite run --bench lm_eval:arc_easy --model FOLDER
    # tasks of your own: YAML files of the harness
    suite run --bench lm_eval:my_task --set lm_eval.include_path=DIR

The harness provides data, prompts, metrics and standard errors through `lm_eval.simple_evaluate`.
`outcome.py` turns its numbers into metrics, items and samples of this program, and the harness's
own log is kept beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from suite import Described, Json, Measured, ModelBenchmark, ModelFolder, UserError, hookimpl
from suite.ranges import Count, FilePathOrNone, Index

if TYPE_CHECKING:
    from .tasks import Found


@dataclass(frozen=True)
class LMEvalConfig:
    """Settings of the benchmark."""

    task: str = ""
    """Task, group or tag of the harness, written after the colon: --bench lm_eval:arc_easy."""
    include_path: FilePathOrNone = None
    """Folder of task definitions (YAML) besides the harness's own."""
    batch_size: Count = 16
    """Requests in one forward pass."""
    num_fewshot: Index | None = None
    """Examples before each question; none: as the task says."""
    chat_template: bool = False
    """Ask through the tokenizer's chat template; the harness's default is the bare text."""


class LMEval(ModelBenchmark[LMEvalConfig]):
    """Tasks of the lm-evaluation-harness: --bench lm_eval:TASK."""

    name = "lm_eval"
    argument = "task"
    Config = LMEvalConfig

    @cached_property
    def found(self) -> Found:
        """The task's definition. UserError: there is none of that name."""
        from .tasks import find

        if not self.config.task:
            raise UserError(
                "benchmark lm_eval: name a task of the harness: --bench lm_eval:arc_easy"
            )
        return find(self.config.task, self.config.include_path)

    def describe(self, engine: str) -> Described:
        """What the task consists of, before anything of it is loaded."""
        if engine not in ("hf", "vllm"):
            raise UserError(
                "benchmark lm_eval loads each model itself, with --engine hf or vllm, "
                f"not {engine!r}"
            )
        asked: dict[str, Json] = {
            "lm_eval": version("lm_eval"),
            "task": self.config.task,
            "definition": self.found.digest,
            "batch_size": self.config.batch_size,
            "num_fewshot": self.config.num_fewshot,
            "chat_template": self.config.chat_template,
        }
        return Described(f"lm-evaluation-harness {version('lm_eval')}: {self.found.source}", asked)

    def check(self) -> None:
        """Load the task with its data now, not after an hour of training."""
        self.found.load()

    def measure(self, model: ModelFolder, out: Path) -> Measured:
        """Evaluate with the harness.

        Its own log is written to harness.json and harness_samples.jsonl in `out`.
        """
        from .harness import evaluate
        from .outcome import measured

        with model.progress.task(f"lm_eval {self.config.task}: {model.label}", 1) as bar:
            results = evaluate(self.found, self.config, model, out)
            bar.advance()
        return measured(results, self.config.task)


@hookimpl
def suite_benchmarks() -> list[type[LMEval]]:
    """Register the benchmark."""
    return [LMEval]
