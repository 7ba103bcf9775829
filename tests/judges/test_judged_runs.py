"""Whole runs with judge `openai`: killed and resumed, what is invalid, no key in any file, what a
dry run says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from suite.config import resolve
from suite.registry import Registry
from suite.run import pipeline
from tests.benchmarks.preferences.test_preferences_run import write_pairs
from tests.judges.test_openai import Rule, asked
from tests.run.conftest import suite
from tests.servers.openai_server import Fault, OpenAIServer, changed_model

Run = Callable[..., subprocess.CompletedProcess[str]]
SECRET = "sk-a-secret-that-must-stand-nowhere"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with OpenAIServer(Rule(), key=SECRET) as running:
        yield running


@pytest.fixture
def given(
    server: OpenAIServer, tiny_folder: Path, tmp_path: Path
) -> tuple[dict[str, str], list[str]]:
    """Flags and settings of a small judged run."""
    data = write_pairs(tmp_path / "pairs.jsonl")
    sets = {
        "win_rate.held_out": "4",
        "win_rate.max_new_tokens": "8",
        "finetune.epochs": "1",
        "finetune.lr": "1e-3",
        "train.epochs": "1",
        "judge_openai.base_url": server.url,
        "judge_openai.model": server.name,
        "judge_openai.concurrency": "1",
        "judge_openai.price_in": "2",
        "judge_openai.price_out": "8",
    }
    flags = {
        "bench": "win_rate",
        "methods": "dpo",
        "judge": "openai",
        "model": str(tiny_folder),
        "data": str(data),
    }
    flags |= {"dtype": "float32", "out": str(tmp_path / "out"), "store": str(tmp_path / "store")}
    return flags, ["=".join(item) for item in sets.items()]


@pytest.fixture
def run(given: tuple[dict[str, str], list[str]], tmp_path: Path) -> Run:
    """The same in a process of its own."""
    flags, sets = given
    words = [word for name, value in flags.items() for word in (f"--{name}", value)]
    words += [word for each in sets for word in ("--set", each)]
    return lambda *extra, fault="": suite(
        "run", *words, *extra, store=tmp_path / "store", fault=fault
    )


def run_here(given: tuple[dict[str, str], list[str]]) -> None:
    registry = Registry.load()
    assert pipeline.run(resolve(registry, None, *given, {}), registry).exit_status == 0


def cells(out: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((out / "results.json").read_text())["cells"]
    return {cell["cell"]["method"]: {m["name"]: m for m in cell["metrics"]} for cell in found}


@pytest.mark.slow
def test_a_killed_run_goes_on_and_asks_nothing_twice(
    run: Run, server: OpenAIServer, tmp_path: Path
) -> None:
    dry = run("--dry-run")
    assert "win_rate: about 24 calls to the judge" in dry.stdout and "USD" in dry.stdout
    assert "win_rate: no paid calls to the judge" in run("--dry-run", "--judge", "length").stdout
    counts = server.served.counts  # type: ignore[attr-defined]
    assert run(fault="judge.kept:3=kill").returncode == -9
    kept = list(counts)[:3]  # one at a time, so they were judged in the order in which they came
    assert run(fault="judge.verdict:4=kill").returncode == -9
    finished = run()
    assert finished.returncode == 0, finished.stderr
    assert [counts[text] for text in kept] == [1, 1, 1]
    assert (
        sum(counts.values()) - len(counts) <= 3
    )  # verdicts on their way when the process died, and no others
    metrics = cells(tmp_path / "out")["dpo"]
    assert metrics["unparsed_rate"]["value"] == 0
    assert metrics["judge_cost"]["value"] == pytest.approx(
        metrics["judge_calls"]["value"] * 10 / 1e6
    )
    asked_before = asked(server)
    assert run("--set", "judge_openai.timeout=9").returncode == 0
    assert asked(server) == asked_before  # everything is in the store
    no_key_in_any_file(tmp_path)
    page = (tmp_path / "out" / "leaderboard.html").read_text()
    assert "helpfulness/1" in page and "serves the person better" in page and "canary" in page


def no_key_in_any_file(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_too_many_unreadable_verdicts_make_the_cell_invalid(
    given: Any, server: OpenAIServer, tmp_path: Path
) -> None:
    server.served.script = ["I cannot help with that."] * 2  # type: ignore[attr-defined]
    run_here(given)
    metrics = cells(tmp_path / "out")["reference"]
    for name in ("win_rate", "length_controlled_win_rate"):
        assert metrics[name]["value"] is None
        assert metrics[name]["note"].startswith("invalid: 12.5% of the verdicts could not be read")
    assert metrics["unparsed_rate"]["value"] == 0.125


def test_a_judge_that_changes_makes_the_cell_invalid(
    given: Any, server: OpenAIServer, tmp_path: Path
) -> None:
    server.faults += [Fault(), changed_model("another")]
    run_here(given)
    note = cells(tmp_path / "out")["reference"]["win_rate"]["note"]
    assert note == f"invalid: the judge changed meanwhile: another, {server.name}"
