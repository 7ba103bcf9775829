"""Task definitions of a third party: YAML files of the harness, with their data beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

DOCS = [
    {
        "question": "Where was Hina Ameen born?",
        "choices": ["Karachi", "London", "a book"],
        "answer": i % 3,
    }
    for i in range(7)
] + [
    {
        "question": "Who wrote the book?",
        "choices": ["Basil", "London", "Hina Ameen born"],
        "answer": i % 2,
    }
    for i in range(6)
]


def write_tasks(folder: Path) -> Path:
    """capitals and books (multiple choice), a group of both, and a task whose answer is
    generated."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "docs.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in DOCS))
    shared = {
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "docs.jsonl")}},
        "test_split": "test",
        "doc_to_text": "{{question}}",
        "doc_to_target": "answer",
    }
    metrics = [
        {"metric": name, "aggregation": "mean", "higher_is_better": True}
        for name in ("acc", "acc_norm")
    ]
    choice = {
        "output_type": "multiple_choice",
        "doc_to_choice": "{{choices}}",
        "metric_list": metrics,
    }
    write(
        folder,
        "acme_capitals",
        {"task": "acme_capitals", **shared, **choice, "metadata": {"version": 1.5}},
    )
    write(
        folder,
        "acme_books",
        {"task": "acme_books", **shared, **choice, "metadata": {"version": 2.0}},
    )
    aggregated = [{"metric": "acc", "weight_by_size": True}]
    members = ["acme_capitals", "acme_books"]
    write(
        folder,
        "acme",
        {"group": "acme_group", "task": members, "aggregate_metric_list": aggregated},
    )
    generated = {
        "output_type": "generate_until",
        "doc_to_target": "{{choices[answer]}}",
        "generation_kwargs": {"until": ["?"], "max_gen_toks": 4},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "filter_list": [
            {"name": "strict", "filter": [{"function": "take_first"}]},
            {"name": "lower", "filter": [{"function": "lowercase"}, {"function": "take_first"}]},
        ],
    }
    write(folder, "acme_text", {"task": "acme_text", **shared, **generated})
    return folder


def write(folder: Path, name: str, content: dict[str, object]) -> None:
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture(scope="session")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tasks(tmp_path_factory.mktemp("tasks") / "acme")
