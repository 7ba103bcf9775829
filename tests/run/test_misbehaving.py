"""Methods that misbehave fail their own row in one line; the others and the report are unharmed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from suite.cli import main
from tests.thirdparty.distributions import Site

METHOD = """
    import os, sys
    from dataclasses import dataclass
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

    @hookimpl
    def suite_methods():
        return [Leaver, Walker, Nothing, NoNumber, NoStep]
"""
SAID = {
    "leaver": "SystemExit: a plugin ended the process with status 7",
    "walker": "a plugin changed the working directory of the whole process",
    "nothing": "plugin 'acme' (acme 1.0): method 'nothing': loss must return a LossOutput",
    "no_number": "method 'no_number': step 0: metric 'kl' must be a finite number, not nan",
    "no_step": "method 'no_step': train_step must return a StepOutput, not 0.5",
}


def test_each_fails_its_row_and_the_report_is_written(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Site(tmp_path, monkeypatch).add("acme", {"acme": METHOD})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUITE_STORE", str(tmp_path / "store"))
    assert main(["run", "--methods", ",".join([*SAID, "ga"]), *quick, "--out", "out"]) != 0
    assert os.getcwd() == str(tmp_path)
    cells = json.loads((tmp_path / "out" / "results.json").read_text())["cells"]
    found = {cell["cell"]["method"]: cell for cell in cells}
    assert found["ga"]["status"] == "ok"
    for name, said in SAID.items():
        assert (found[name]["status"], said in found[name]["error"]) == ("failed", True)
        assert "\n" not in found[name]["error"]
