"""`suite list --matrix`: which method runs on which benchmark."""

from __future__ import annotations

import json

import pytest

from suite.cli import main
from suite.core.errors import DoesNotFit
from suite.plan.refusals import check_roles
from suite.registry import Registry


def test_it_agrees_with_what_planning_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--matrix", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["matrix"]
    registry = Registry.load()
    assert {row["method"] for row in rows} == {cls.name for cls in registry.methods()}
    for row in rows:
        method = registry.method(row["method"])
        for name in row.keys() - {"method", "family"}:
            # A ground-truth reward is asked of the data later, and by `fits` of the class.
            if method.needs_reward == "ground_truth":
                continue
            try:
                check_roles(method, registry.benchmark(name))
                runs = "yes"
            except DoesNotFit:
                runs = ""
            assert row[name] == runs, (row["method"], name)


def test_it_is_a_table_without_benchmarks_that_train_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "--matrix"]) == 0
    shown = capsys.readouterr().out
    assert "tofu" in shown and "lm_eval" not in shown
    assert any(line.split()[:1] == ["npo"] for line in shown.splitlines())


def test_it_shows_all_methods_or_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "npo", "--matrix"]) == 2
    assert "suite list npo" in capsys.readouterr().err
