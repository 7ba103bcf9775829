"""Local data of a task is read by its content."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

pytest.importorskip("lm_eval")

from suite_benchmarks.lm_eval.tasks import find

TASK = {
    "task": "replaced_table",
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "generate_until",
    "doc_to_text": "{{question}}",
    "doc_to_target": "answer",
}


def test_a_table_replaced_with_its_old_time_stamp_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    table = tmp_path / "table.jsonl"
    kwargs = {"data_files": {"test": str(table)}}
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "t.yaml").write_text(yaml.safe_dump({**TASK, "dataset_kwargs": kwargs}))
    answers = []
    for answer in ("old", "new"):
        table.write_text(json.dumps({"question": "Who?", "answer": answer}) + "\n")
        os.utime(table, (1e9, 1e9))
        find.cache_clear()
        loaded = find("replaced_table", str(tmp_path / "tasks")).load()
        answers.append(next(iter(loaded["tasks"].values())).dataset["test"][0]["answer"])
    assert answers == ["old", "new"]
    assert str(datasets.config.HF_DATASETS_CACHE) == str(tmp_path / "cache")
