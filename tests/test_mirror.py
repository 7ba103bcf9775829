"""Which source files have a test of their own: at the mirrored path, or in a test that imports
them.

The few that have none are listed here, with what does run them; the list may only shrink.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = {"suite": "", "plugins": "plugins", "benchmarks": "benchmarks"}
"""Source folder -> folder of its tests, within tests/."""
INSTALLED = {"suite_plugins": "plugins", "suite_benchmarks": "benchmarks"}
RUN_BY = {
    "tests/cli/test_cli.py": ("cli: __main__ config doctor export group installed run stored"),
    "tests/config/test_resolve.py": (
        "config: check dump families instances parse places specs training"
    ),
    "tests/config/test_command.py": "core: places",
    "tests/run/test_out.py": "config: out",
    "tests/run/test_keep.py": "cli: store; run: record; store: explain models runs",
    "tests/run/test_not_there.py": "config: environment",
    "tests/run/test_pipeline.py": (
        "api: batch; compare: tables; run: events notes provenance; "
        "respond: stage; score: files; stages: base_stage; train: log "
        "reference_stage stage"
    ),
    "tests/run/test_shards.py": "run: agent shard",
    "tests/run/test_start_seeds.py": "plan: text_cells",
    "tests/thirdparty/test_thirdparty.py": "api: phases",
    "tests/run/test_block.py": "plan: fitting; registry: offers",
    "tests/engines/hf/test_engine.py": "engines/hf: answering; engines: kinds",
    "tests/engines/test_endpoint.py": "engines: client",
    "tests/export/test_export.py": "export: items lm_eval",
    "tests/export/test_hub.py": "cli: push",
    "tests/benchmarks/win_rate/test_alpaca_eval.py": "export: alpaca_eval",
    "tests/loggers/test_loggers.py": "loggers: run_log tensorboard trackers",
    "tests/losses/test_equations.py": (
        "losses: checks divergences reference_free rewards transport unpaired"
    ),
    "tests/benchmarks/lm_eval/test_lm_eval_plan.py": "plan: measured measured_cells",
    "tests/benchmarks/lm_eval/test_lm_eval_measure.py": "score: measured_stage",
    "tests/benchmarks/test_bandit.py": "plan: experiment_cells; score: experiment_stage",
    "tests/plugins/test_every_method.py": "api: prompting",
    "tests/plan/test_training.py": "stages: trained_reward",
    "tests/benchmarks/sentiment/test_sentiment_run.py": "respond: divergence rows",
    "tests/engines/vllm/test_engine.py": "respond: agreement",
    "tests/report/test_files.py": "report: answers row spreadsheet",
    "tests/report/test_merging.py": "compare: recorded",
    "tests/report/pictures/test_draw.py": (
        "report: svg; report/pictures: bars distribution tradeoff trajectory"
    ),
    "tests/stats/test_comparisons.py": "stats: agreement populations rates",
    "tests/compare/test_stage.py": "compare: headlines interest linear testing",
    "tests/stats/test_bootstrap.py": "stats: arrays interval means",
    "tests/store/test_verify.py": "store: digests jsonl manifest publish",
    "tests/cli/test_check.py": "registry: single",
    "tests/testing/test_methods.py": (
        "testing: asking books invariance promises settings surroundings texts trial"
    ),
    "tests/testing/test_benchmarks.py": "testing: engines judges made_up",
}
"""Test -> the files of suite/ that have no test of their own and are run by it: "folder: names;
folder: names"."""
BENCHMARKS = (
    "forget/formats forget/outputs forget/questions lm_eval/outcome logistic/outputs "
    "pairs/displacement pairs/formats preferences/divergence preferences/generated "
    "sentiment/formats sentiment/scores tofu/corpus tofu/formats tofu/log_formats tofu/logs "
    "tofu/outputs tofu/requests tofu/score tofu/sets win_rate/truth"
)
"""Files of benchmarks that the tests of their benchmark's folder run."""


def listed() -> set[str]:
    """The files of the two lists above."""
    files = {f"benchmarks/{name}.py" for name in BENCHMARKS.split()}
    for groups in RUN_BY.values():
        for group in groups.split("; "):
            folder, _, names = group.rpartition(": ")
            files |= {f"suite/{folder}/{name}.py".replace("//", "/") for name in names.split()}
    return files


def sources() -> Iterator[str]:
    """Paths of all source files, relative to the repository; packages without code are left out."""
    for folder in SOURCES:
        # Every method is run by tests/plugins, which asks the registry for them all.
        for path in sorted((ROOT / folder).rglob("*.py")) if folder != "plugins" else ():
            body = ast.parse(path.read_text()).body
            if any(not isinstance(node, ast.Expr | ast.ImportFrom) for node in body):
                yield str(path.relative_to(ROOT))


def mirrored(source: str) -> Path:
    """Where the tests of a source file lie, if they are its own."""
    path = Path(source)
    inner = Path(*path.parts[1:])
    name = inner.parent.name if inner.name == "__init__.py" else inner.stem
    return ROOT / "tests" / SOURCES[path.parts[0]] / inner.parent / f"test_{name}.py"


@cache
def imported_by_tests() -> frozenset[str]:
    """Source files that a test imports, or a name of which it patches."""
    found = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    return frozenset(file for module in found for file in _files(module))


def _files(module: str) -> Iterator[str]:
    top, *rest = module.split(".")
    path = Path(INSTALLED.get(top, top), *rest)
    yield from (str(path.with_suffix(".py")), str(path / "__init__.py"))


def test_every_source_file_has_a_test_or_is_listed() -> None:
    without = {
        source
        for source in sources()
        if not mirrored(source).exists() and source not in imported_by_tests()
    }
    assert without == listed()


def test_the_tests_that_are_named_exist() -> None:
    assert [test for test in RUN_BY if not (ROOT / test).exists()] == []
