"""Methods that misbehave fail their own row in one line; the others and the report are unharmed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from suite.cli import main
from tests.thirdparty.distributions import Site

METHOD = """
    import os, signal, sys
    from contextlib import contextmanager
    from dataclasses import dataclass
    import torch
    from suite import LossOutput, Method, StepOutput, hookimpl

    @dataclass(frozen=True)
    class Settings:
        pass

    class Base(Method[Settings]):
        family = "unlearning"
        roles = frozenset({"forget"})
        Config = Settings

        def loss(self, policy, batch):
            texts = batch["forget"]
            self.misbehave()
            return LossOutput(texts.mean(policy(texts).logps), self.logged)

        def misbehave(self):
            pass

        logged = {}

    class Leaver(Base):
        name = "leaver"
        def misbehave(self):
            sys.exit(7)

    class Walker(Base):
        name = "walker"
        def misbehave(self):
            os.chdir("/")

    class Nothing(Base):
        name = "nothing"
        def loss(self, policy, batch):
            return None

    class NoNumber(Base):
        name = "no_number"
        logged = {"kl": float("nan")}

    class NoStep(Base):
        name = "no_step"
        def train_step(self, state, micro_batches):
            return 0.5

    class Threads(Base):
        name = "threads"
        def misbehave(self):
            torch.set_num_threads(torch.get_num_threads() + 1)

    class Deaf(Base):
        name = "deaf"
        def misbehave(self):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    class Editor(Base):
        name = "editor"
        def loss(self, policy, batch):
            batch["forget"].targets[0] = 5
            return super().loss(policy, batch)

    class Writer(Base):
        name = "writer"
        def loss(self, policy, batch):
            with torch.no_grad():
                next(policy.model.parameters()).mul_(0.5)
            return super().loss(policy, batch)

    class Hidden(Base):
        name = "hidden"
        def loss(self, policy, batch):
            next(policy.model.parameters()).data.mul_(0.5)
            return super().loss(policy, batch)

    class Early(Base):
        name = "early"
        def begin(self, state, roles):
            state.parameters[0].data.zero_()

    class Reference(Base):
        name = "reference"
        needs_reference = True
        def train_step(self, state, micro_batches):
            micro_batches[0]["forget"].reference_token_logps.zero_()
            return super().train_step(state, micro_batches)

    class Late(Base):
        name = "late"
        @contextmanager
        def result(self, state):
            state.parameters[0].data.zero_()
            yield

    class Ender(Base):
        name = "ender"
        def misbehave(self):
            raise GeneratorExit("over")

    class NoRows(Base):
        name = "no_rows"
        def select(self, roles):
            return None

    class NoHeads(Base):
        name = "no_heads"
        def heads(self, hidden_size):
            return {"value": 1.0}

    class NoResult(Base):
        name = "no_result"
        def result(self, state):
            return None

    class NoState(Base):
        name = "no_state"
        def state_dict(self):
            return {"a": object()}

    class Untrained(Base):
        roles = frozenset()
        trains = False

    class FarAnswers(Untrained):
        name = "far_answers"
        def respond(self, engine, requests):
            os.chdir("/")
            return engine.respond(requests)

    class NoAnswers(Untrained):
        name = "no_answers"
        def respond(self, engine, requests):
            return None

    class FewAnswers(Untrained):
        name = "few_answers"
        def respond(self, engine, requests):
            return engine.respond(requests)[1:]

    @hookimpl
    def suite_cell_finished(cell, result):
        if cell.method == "ga":
            os.chdir("/")

    @hookimpl
    def suite_methods():
        return [
            Leaver, Walker, Nothing, NoNumber, NoStep, Threads, Deaf,
            Editor, Writer, Hidden, Early, Reference, Late, Ender, NoRows,
            NoHeads, NoResult, NoState, FarAnswers, NoAnswers, FewAnswers,
        ]
"""
SAID = {
    "leaver": "plugin 'acme' (acme 1.0): loss raised SystemExit: 7",
    "walker": "a plugin changed the working directory of the whole process",
    "nothing": "plugin 'acme' (acme 1.0): method 'nothing': loss must return a LossOutput",
    "no_number": "method 'no_number': step 0: metric 'kl' must be a finite number, not nan",
    "no_step": "method 'no_step': train_step must return a StepOutput, not 0.5",
    "threads": "a plugin changed torch's threads of the whole process",
    "deaf": "a plugin changed the handler of SIGTERM of the whole process",
    "editor": "plugin 'acme' (acme 1.0): method 'editor': loss changed batch['forget'].targets",
    "writer": "method 'writer': loss changed weight 'model.embed_tokens.weight' of the model",
    "hidden": "method 'hidden': loss changed weight 'model.embed_tokens.weight' of the model",
    "early": "method 'early': begin changed weight 'model.embed_tokens.weight' of the model",
    "reference": "train_step changed batch[0]['forget'].reference_token_logps in place",
    "late": "method 'late': result changed weight 'model.embed_tokens.weight' of the model",
    "ender": "plugin 'acme' (acme 1.0): loss raised GeneratorExit: over",
    "no_rows": "method 'no_rows': select must return rows by role, not None",
    "no_heads": "method 'no_heads': heads must return modules by name, not a dict",
    "no_result": "method 'no_result': result must return a context manager, not None",
    "no_state": "state.json.method.a is a object, which JSON cannot hold",
    "far_answers": "a plugin changed the working directory of the whole process",
    "no_answers": "method 'no_answers': respond must return a list of responses, not None",
    "few_answers": "method 'few_answers': respond left the request",
}


def test_each_fails_its_row_and_the_report_is_written(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Site(tmp_path, monkeypatch).add("acme", {"acme": METHOD})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUITE_STORE", str(tmp_path / "store"))
    assert (
        main(["run", "--methods", ",".join([*SAID, "ga"]), *quick, "--limit", "2", "--out", "out"])
        != 0
    )
    assert os.getcwd() == str(tmp_path)
    cells = json.loads((tmp_path / "out" / "results.json").read_text())["cells"]
    found = {cell["cell"]["method"]: cell for cell in cells}
    assert found["ga"]["status"] == "ok"
    errors = {name: found[name]["error"] for name in SAID}
    assert {name: error for name, error in errors.items() if SAID[name] not in error} == {}
    assert {found[name]["status"] for name in SAID} == {"failed"}
    assert not any("\n" in error for error in errors.values())
