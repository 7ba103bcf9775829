"""The harness through its own vLLM model, against its own transformers model: `tox run -e vllm`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import psutil
import pytest

from tests.benchmarks.lm_eval.test_lm_eval_measure import measured

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: `tox run -e vllm`"
    ),
]


def test_vllm_gives_the_numbers_of_transformers(
    tasks: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    before = set(psutil.Process().children(recursive=True))
    ours = measured("acme_group", tasks, tiny_folder, tmp_path / "vllm", engine="vllm")
    _, left = psutil.wait_procs(set(psutil.Process().children(recursive=True)) - before, timeout=20)
    alive = [process for process in left if process.status() != psutil.STATUS_ZOMBIE]
    assert all(
        "resource_tracker" in " ".join(process.cmdline()) for process in alive
    )  # the engine's process is gone
    theirs = measured("acme_group", tasks, tiny_folder, tmp_path / "hf")
    assert [(m.name, m.value, m.n) for m in ours.scores.metrics] == [
        (m.name, pytest.approx(m.value), m.n) for m in theirs.scores.metrics
    ]
    assert [s["generation"] for s in ours.samples] == [s["generation"] for s in theirs.samples]
